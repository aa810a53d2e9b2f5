-- The history, one JSON document a job.
SELECT row_to_json(h)::text AS document FROM projection.job_history AS h
