-- The rows of these jobs, whose locks we hold, from whichever view has them, as one JSON array. Those in the monitor are
-- locked too: others may raise them without the job's lock (advance_jobs).
WITH monitor AS (
    SELECT * FROM {schema}.job_monitor WHERE job_id = ANY (:job_ids::uuid[]) ORDER BY job_id FOR NO KEY UPDATE
), history AS (
    -- the month finds the partition
    SELECT h.*
    FROM registry.job_numbers AS r
    JOIN {schema}.job_history AS h ON h.job_id = r.job_id AND h.month = r.month
    WHERE r.job_id = ANY (:job_ids::uuid[])
)
SELECT coalesce(json_agg(j), '[]')::text FROM (SELECT * FROM monitor UNION ALL SELECT * FROM history) AS j
