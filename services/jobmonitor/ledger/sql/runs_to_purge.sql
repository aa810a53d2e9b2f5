-- Expired runs whose files may still lie there; those behind a job, or all.
SELECT job_id, account_id
FROM ledger.runs
WHERE expired AND NOT purged AND (:behind::uuid IS NULL OR job_id > :behind)
ORDER BY job_id
LIMIT :limit
