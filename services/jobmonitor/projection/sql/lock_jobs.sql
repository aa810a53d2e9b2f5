-- The rows of these jobs from whichever view holds them, as one JSON array; nobody else changes them until we commit.
WITH monitor AS (
    SELECT * FROM projection.job_monitor WHERE job_id = ANY ($1::uuid[]) ORDER BY job_id FOR NO KEY UPDATE
), history AS (
    SELECT * FROM projection.job_history WHERE job_id = ANY ($1::uuid[]) ORDER BY job_id FOR NO KEY UPDATE
)
SELECT coalesce(json_agg(j), '[]')::text FROM (SELECT * FROM monitor UNION ALL SELECT * FROM history) AS j
