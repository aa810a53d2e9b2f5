-- Give the fresh views the partitions of the live ones.
SELECT registry.add_month('projection_rebuild', to_date(right(relname, 7), 'YYYY_MM'))
FROM pg_class
WHERE relnamespace = 'projection'::regnamespace AND relispartition AND relname ~ '^job_timeline_\d{4}_\d{2}$'
