-- These jobs' progress is folded otherwise.
DELETE FROM arrived_progress WHERE job_id = ANY (:job_ids::uuid[])
