-- Which of these jobs have not ended and heard of no stop.
SELECT job_id
FROM ledger.runs
WHERE job_id = ANY ($1::uuid[]) AND stop_requested_by IS NULL AND state IN ('scheduled', 'queued', 'running')
