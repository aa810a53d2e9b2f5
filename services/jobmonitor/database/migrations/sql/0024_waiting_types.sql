-- Which accounts have jobs of which type that wait for room. Goes from type to type by the index: thousands of waiting
-- jobs are not read.
CREATE VIEW ledger.waiting_types AS
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
SELECT account_id, job_type FROM waiting;
GRANT SELECT ON ledger.waiting_types TO jobmonitor_worker;
