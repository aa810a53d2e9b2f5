-- These jobs are about to be compared again.
DELETE FROM pg_temp.differences WHERE job_id = ANY (:job_ids::uuid[])
