-- Ended jobs whose parts may still lie in the object store, and which result is theirs, if one is; those behind a job, or all.
SELECT job_id, account_id, format('results/%s/%s/%s', account_id, job_id, result ->> 'name') AS result_key
FROM ledger.runs
WHERE NOT swept AND state IN ('completed', 'completed_with_errors', 'failed', 'cancelled') AND (:behind::uuid IS NULL OR job_id > :behind)
ORDER BY job_id
LIMIT :limit
