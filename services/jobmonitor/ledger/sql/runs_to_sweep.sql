-- Ended jobs whose parts may still lie in the object store, and which result is theirs, if one is; those behind a place.
SELECT job_id, account_id, result ->> 'key' AS result_key
FROM ledger.runs
WHERE NOT swept AND state IN ('completed', 'completed_with_errors', 'failed', 'cancelled') AND job_id > $1
ORDER BY job_id
LIMIT $2
