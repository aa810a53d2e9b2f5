-- What happened to a job, in order; its progress, which its bar shows, left out.
SELECT type, at, CASE WHEN type = 'request_rejected' THEN data ->> 'reason' END AS reason,
       CASE WHEN type = 'job_waiting' THEN data ->> 'waits_for' END AS waits_for
FROM projection.job_timeline
WHERE job_id = :job_id AND type <> 'job_progressed'
  -- finds the partition
  AND month = (SELECT month FROM registry.job_numbers WHERE job_id = :job_id)
ORDER BY at, sequence NULLS FIRST, event_id
