-- By job type: how many chunks were handed out that may be claimed and are not, and for how long the oldest has been open,
-- in seconds. Those that pause before their next try, and those of a stopping job that are not done any more, are none.
SELECT r.job_type, count(*) AS unclaimed,
       greatest(extract(epoch FROM now() - min(coalesce(c.lease_until, c.dispatched_at))), 0)::float8 AS oldest_unclaimed_s
FROM ledger.chunks AS c
JOIN ledger.runs AS r USING (job_id)
WHERE c.state = 'dispatched'
  AND (r.state IN ('queued', 'running') OR (r.state = 'stopping' AND (c.assemble_until >= now() OR c.reserved IS NOT NULL)))
  AND coalesce(c.lease_until, '-infinity') < now()
GROUP BY r.job_type
