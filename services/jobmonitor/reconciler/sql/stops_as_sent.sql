-- The stops that were asked for under these job ids, and the type of each job.
SELECT t.job_id, t.event_id, t.at, t.data, r.job_type
FROM projection.job_timeline AS t
JOIN ledger.runs AS r USING (job_id)
WHERE t.job_id = ANY ($1::uuid[]) AND t.type = 'job_stop_requested'
