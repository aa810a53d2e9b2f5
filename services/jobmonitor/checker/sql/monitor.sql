-- The monitor, one JSON document a job.
SELECT row_to_json(m)::text AS document FROM projection.job_monitor AS m
