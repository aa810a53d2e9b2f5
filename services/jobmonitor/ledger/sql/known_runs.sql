-- Which of these jobs were accepted before, whose they are, and what was asked for.
SELECT job_id, account_id, request_sha256
FROM ledger.runs
WHERE job_id = ANY (:job_ids::uuid[])
