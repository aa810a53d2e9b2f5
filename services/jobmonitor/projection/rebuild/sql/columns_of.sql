-- The columns of a live table that can be written.
SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum)
FROM pg_attribute
WHERE attrelid = format('projection.%I', :table_name::text)::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
