-- The longest waiting job of an account, but not of a type that is full, and none whose exclusive resource is in use. It
-- goes from type to type by the index: the thousands that wait of a full type are not read.
WITH RECURSIVE types AS (
    (
        SELECT job_type
        FROM ledger.runs
        WHERE account_id = :account_id AND state = 'queued' AND NOT admitted
        ORDER BY job_type
        LIMIT 1
    )
    UNION ALL
    SELECT following.job_type
    FROM types AS t
    CROSS JOIN LATERAL (
        SELECT job_type
        FROM ledger.runs
        WHERE account_id = :account_id AND state = 'queued' AND NOT admitted AND job_type > t.job_type
        ORDER BY job_type
        LIMIT 1
    ) AS following
)
SELECT first.job_id
FROM types AS t
CROSS JOIN LATERAL (
    SELECT job_id, created_at
    FROM ledger.runs
    WHERE account_id = :account_id AND job_type = t.job_type AND state = 'queued' AND NOT admitted
      AND (writes IS NULL OR writes <> ALL (:resources::text[]))
    ORDER BY created_at, job_id
    LIMIT 1
    FOR NO KEY UPDATE SKIP LOCKED
) AS first
WHERE t.job_type <> ALL (:full_types::text[])
ORDER BY first.created_at, first.job_id
LIMIT 1
