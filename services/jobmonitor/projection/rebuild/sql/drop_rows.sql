-- These jobs are carried over instead.
DELETE FROM projection_rebuild.{table} WHERE job_id = ANY (:job_ids::uuid[])
