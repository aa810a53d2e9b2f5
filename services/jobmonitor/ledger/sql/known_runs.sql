-- Which of these jobs were taken up before.
SELECT job_id
FROM ledger.runs
WHERE job_id = ANY ($1::uuid[])
