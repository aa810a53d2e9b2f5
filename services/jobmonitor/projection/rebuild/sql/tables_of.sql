-- The tables of this schema that a rebuild makes anew, with their partitions: what the fold writes, by name.
SELECT c.relname
FROM pg_class AS c
LEFT JOIN pg_inherits AS i ON i.inhrelid = c.oid
LEFT JOIN pg_class AS parent ON parent.oid = i.inhparent
WHERE c.relnamespace = :schema_name::text::regnamespace AND c.relkind IN ('r', 'p')
  AND coalesce(parent.relname, c.relname) IN ('job_monitor', 'job_history', 'job_timeline', 'offsets')
ORDER BY c.relname
