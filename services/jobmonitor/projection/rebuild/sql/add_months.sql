-- Give the fresh history the partitions of the live one.
SELECT registry.add_history_month('projection_rebuild', to_date(right(relname, 7), 'YYYY_MM'))
FROM pg_class
WHERE relnamespace = 'projection'::regnamespace AND relispartition AND relname ~ '^job_history_\d{4}_\d{2}$'
