-- What was submitted under these job ids.
SELECT t.job_id, t.event_id, t.at, t.data
FROM registry.job_numbers AS r
-- the month finds the partition
JOIN projection.job_timeline AS t ON t.job_id = r.job_id AND t.month = r.month
WHERE r.job_id = ANY (:job_ids::uuid[]) AND t.type = 'job_submitted'
