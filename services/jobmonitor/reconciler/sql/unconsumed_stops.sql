-- Which of these jobs have not ended and whose last stop no worker consumed.
SELECT r.job_id
FROM ledger.runs AS r
JOIN projection.job_monitor AS m USING (job_id)
WHERE r.job_id = ANY (:job_ids::uuid[]) AND (r.stop_heard_at IS NULL OR r.stop_heard_at < m.stop_requested_at)
  AND r.state IN ('scheduled', 'queued', 'running')
