-- The longest waiting job of an account of each type and with each set of exclusive resources, the longest waiting first. It
-- goes from kind to kind by the index: the thousands that wait behind these are not read.
WITH RECURSIVE kinds AS (
    (
        SELECT job_type, writes
        FROM ledger.runs
        WHERE account_id = :account_id AND state = 'queued' AND NOT admitted
        ORDER BY job_type, writes
        LIMIT 1
    )
    UNION ALL
    SELECT following.job_type, following.writes
    FROM kinds AS k
    CROSS JOIN LATERAL (
        SELECT job_type, writes
        FROM ledger.runs
        WHERE account_id = :account_id AND state = 'queued' AND NOT admitted AND (job_type, writes) > (k.job_type, k.writes)
        ORDER BY job_type, writes
        LIMIT 1
    ) AS following
)
SELECT first.job_id, k.job_type, k.writes AS resources
FROM kinds AS k
CROSS JOIN LATERAL (
    SELECT job_id, created_at
    FROM ledger.runs
    WHERE account_id = :account_id AND job_type = k.job_type AND writes = k.writes AND state = 'queued' AND NOT admitted
    ORDER BY created_at, job_id
    LIMIT 1
    FOR NO KEY UPDATE SKIP LOCKED
) AS first
ORDER BY first.created_at, first.job_id
