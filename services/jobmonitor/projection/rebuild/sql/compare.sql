-- Note the rows of {table} that differ between the live and the fresh tables, of these jobs, or of all where null.
INSERT INTO pg_temp.differences (table_name, job_id, live, rebuilt)
SELECT '{table}', coalesce(l.job_id, r.job_id), to_jsonb(l), to_jsonb(r)
FROM (SELECT * FROM projection.{table} WHERE :job_ids::uuid[] IS NULL OR job_id = ANY (:job_ids)) AS l
FULL JOIN (SELECT * FROM projection_rebuild.{table} WHERE :job_ids::uuid[] IS NULL OR job_id = ANY (:job_ids)) AS r USING ({key})
-- the bytes, not what counts as equal: 1.0 and 1.00 differ
WHERE l.job_id IS NULL OR r.job_id IS NULL OR l *<> r
