-- What was submitted under these job ids.
SELECT job_id, event_id, at, data
FROM projection.job_timeline
WHERE job_id = ANY (:job_ids::uuid[]) AND type = 'job_submitted'
