-- The rows of these jobs from whichever view holds them, as one JSON array; nobody else changes them until we commit.
WITH monitor AS (
    SELECT * FROM projection.job_monitor WHERE job_id = ANY ($1::uuid[]) ORDER BY job_id FOR NO KEY UPDATE
), history AS (
    -- the month finds the partition
    SELECT h.*
    FROM registry.job_numbers AS r
    JOIN projection.job_history AS h ON h.job_id = r.job_id AND h.month = r.month
    WHERE r.job_id = ANY ($1::uuid[])
    ORDER BY h.job_id
    FOR NO KEY UPDATE OF h
)
SELECT coalesce(json_agg(j), '[]')::text FROM (SELECT * FROM monitor UNION ALL SELECT * FROM history) AS j
