-- Gives the right to run a chunk for a while, unless it is done, leased to somebody else, waiting for its next try, of
-- another job type, or its job no longer runs: of a stopping job only what was reserved is left to be settled, and the
-- assembly to do. Counts the attempt. The share lock makes a stop and a claim come one after the other: either the stop
-- sees the lease, or the claim sees the stop.
WITH run AS (
    SELECT job_id, account_id, owner_id, job_type, parameters, state = 'stopping' AS stopped
    FROM ledger.runs
    WHERE job_id = :job_id AND job_type = :job_type AND state IN ('queued', 'running', 'stopping')
    FOR SHARE
)
UPDATE ledger.chunks AS c
SET attempt = c.attempt + 1, lease_token = :token, lease_until = clock_timestamp() + :lease::interval, hints = 0
FROM run
WHERE c.job_id = run.job_id AND c.chunk = :chunk
  AND (c.kind = 'assemble' OR c.reserved IS NOT NULL OR NOT run.stopped)
  AND c.state = 'dispatched' AND (c.lease_until IS NULL OR c.lease_until < now())
RETURNING c.kind, c.units, c.payload, c.attempt, c.uncounted, c.last_error, c.reserved, c.times_left, run.account_id,
          run.owner_id, run.job_type, run.parameters, run.stopped,
          coalesce(extract(epoch FROM now() - c.outage_since), 0)::float8 AS outage_s
