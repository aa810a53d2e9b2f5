-- Let the ids given to this table from now on follow this one.
SELECT setval(pg_get_serial_sequence(:table_name, 'id'), :last_id::bigint)
