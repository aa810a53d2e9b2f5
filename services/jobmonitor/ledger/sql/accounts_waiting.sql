-- Accounts with jobs that wait although fewer than so many of their type are at work. It goes from type to type by the
-- index: thousands of waiting jobs are not read.
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
SELECT DISTINCT w.account_id
FROM waiting AS w
WHERE (
    SELECT count(*)
    FROM ledger.runs AS r
    WHERE r.account_id = w.account_id AND r.job_type = w.job_type AND r.admitted
      AND r.state IN ('queued', 'running', 'stopping')
) < $1
ORDER BY w.account_id
