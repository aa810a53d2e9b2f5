-- Gives the right to run a chunk for a while, unless it is done, leased to somebody else, waiting for its next try, or its
-- job no longer runs. Counts the attempt.
UPDATE ledger.chunks AS c
SET attempt = c.attempt + 1, lease_token = $3, lease_until = now() + $4::interval
FROM ledger.runs AS r
WHERE c.job_id = $1 AND c.chunk = $2 AND r.job_id = c.job_id
  AND c.state = 'dispatched' AND (c.lease_until IS NULL OR c.lease_until < now())
  AND r.state IN ('queued', 'running')
RETURNING c.kind, c.units, c.payload, c.attempt, c.last_error, r.account_id, r.owner_id, r.job_type, r.parameters, r.chunks_total
