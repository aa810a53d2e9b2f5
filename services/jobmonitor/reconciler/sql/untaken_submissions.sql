-- Submissions that the view knows and no worker took up: published, then skipped or lost on the way.
SELECT t.job_id, t.event_id, t.at, t.data
FROM projection.job_monitor AS m
JOIN projection.job_timeline AS t USING (job_id)
WHERE m.sequence = 0 AND m.updated_at < now() - $1::interval AND m.job_type = ANY ($2::text[])
  AND t.type = 'job_submitted'
  AND NOT EXISTS (SELECT FROM ledger.runs AS r WHERE r.job_id = m.job_id)
ORDER BY t.at
LIMIT $3
