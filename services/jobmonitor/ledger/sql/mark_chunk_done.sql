-- Marks a chunk done, only under the lease it was claimed with and while its job, locked before, has not ended. No row
-- comes back otherwise.
UPDATE ledger.chunks AS c
SET state = 'done', part_key = $4, lease_until = NULL, payload = NULL, last_error = NULL
FROM ledger.runs AS r
WHERE c.job_id = $1 AND c.chunk = $2 AND c.lease_token = $3 AND c.state = 'dispatched'
  AND r.job_id = c.job_id AND r.state IN ('queued', 'running', 'stopping')
RETURNING c.chunk
