-- Stop requests that the view knows and no worker heard.
SELECT t.job_id, t.event_id, t.at, t.data, r.job_type
FROM projection.job_monitor AS m
JOIN ledger.runs AS r USING (job_id)
JOIN projection.job_timeline AS t USING (job_id)
WHERE m.stop_requested_at < now() - $1::interval AND r.stop_requested_by IS NULL
  AND r.state IN ('scheduled', 'queued', 'running')
  AND t.type = 'job_stop_requested'
LIMIT $2
