-- These jobs are in the history now.
DELETE FROM projection.job_monitor WHERE job_id = ANY ($1::uuid[])
