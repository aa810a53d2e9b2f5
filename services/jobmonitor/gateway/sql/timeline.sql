-- Everything that happened to a job, in order.
SELECT type, at FROM projection.job_timeline WHERE job_id = $1 ORDER BY at, sequence NULLS FIRST, event_id
