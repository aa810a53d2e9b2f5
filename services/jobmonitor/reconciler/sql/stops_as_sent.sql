-- The stops that were asked for last under these job ids, and the type of each job.
SELECT job_id, account_id, job_type, stop_requested_by, stop_requested_at AS at,
       format('%s:stop:%s', job_id, extract(epoch FROM stop_requested_at)) AS event_id
FROM projection.job_monitor
WHERE job_id = ANY (:job_ids::uuid[]) AND stop_requested_at IS NOT NULL
