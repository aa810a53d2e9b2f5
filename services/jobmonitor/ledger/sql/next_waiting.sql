-- The longest waiting job of an account that writes nothing of what is being written.
SELECT job_id
FROM ledger.runs
WHERE account_id = $1 AND state = 'queued' AND NOT admitted AND (writes IS NULL OR writes <> ALL ($2::text[]))
ORDER BY created_at, job_id
LIMIT 1
FOR NO KEY UPDATE SKIP LOCKED
