-- Some of the rows that differ, with their Job#s.
SELECT d.table_name, n.number, d.job_id, d.live::text AS live, d.rebuilt::text AS rebuilt
FROM pg_temp.differences AS d
LEFT JOIN registry.job_numbers AS n USING (job_id)
ORDER BY d.table_name, n.number, coalesce(d.live, d.rebuilt) ->> 'type', coalesce(d.live, d.rebuilt) ->> 'at'
LIMIT :limit
