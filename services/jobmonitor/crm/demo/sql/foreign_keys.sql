-- Which foreign keys do the CRM's tables have, as needed to add them again?
SELECT conrelid::regclass::text AS table_name, quote_ident(conname) AS name, pg_get_constraintdef(oid) AS definition
FROM pg_constraint
WHERE contype = 'f' AND connamespace = 'crm'::regnamespace AND conparentid = 0
ORDER BY conrelid::regclass::text, conname
