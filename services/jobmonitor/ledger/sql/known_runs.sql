-- Which of these jobs were accepted before, whose they are, and what was asked for, where the run is still kept.
SELECT job_id, account_id, request_sha256
FROM ledger.runs
WHERE job_id = ANY (:job_ids::uuid[])
UNION ALL
SELECT job_id, account_id, NULL
FROM ledger.taken_up
WHERE job_id = ANY (:job_ids::uuid[])
