-- Ended jobs whose parts still lie in the object store, and which result is theirs, if one is.
SELECT DISTINCT r.job_id, r.account_id, r.result ->> 'key' AS result_key
FROM ledger.runs AS r
JOIN ledger.chunks AS c USING (job_id)
WHERE r.state IN ('completed', 'completed_with_errors', 'failed', 'cancelled')
LIMIT $1
