-- By job type, for how long nothing changed in the jobs at work of an account of which others wait for room: the longest,
-- in seconds.
WITH RECURSIVE waiting AS (
    (
        SELECT account_id, job_type
        FROM ledger.runs
        WHERE state = 'queued' AND NOT admitted
        ORDER BY account_id, job_type
        LIMIT 1
    )
    UNION ALL
    SELECT following.account_id, following.job_type
    FROM waiting AS w
    CROSS JOIN LATERAL (
        SELECT account_id, job_type
        FROM ledger.runs
        WHERE state = 'queued' AND NOT admitted AND (account_id, job_type) > (w.account_id, w.job_type)
        ORDER BY account_id, job_type
        LIMIT 1
    ) AS following
)
SELECT w.job_type, max(extract(epoch FROM now() - moved.at))::float8 AS longest_s
FROM waiting AS w
CROSS JOIN LATERAL (
    SELECT max(updated_at) AS at
    FROM ledger.runs AS r
    WHERE r.account_id = w.account_id AND r.job_type = w.job_type AND r.admitted
      AND r.state IN ('queued', 'running', 'stopping')
) AS moved
WHERE moved.at IS NOT NULL
GROUP BY w.job_type
