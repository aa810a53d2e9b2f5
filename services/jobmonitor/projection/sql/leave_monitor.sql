-- These jobs are in the history now.
DELETE FROM {schema}.job_monitor WHERE job_id = ANY (:job_ids::uuid[])
