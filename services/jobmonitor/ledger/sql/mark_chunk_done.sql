-- Marks a chunk done, only under the lease it was claimed with and while its job, locked before, has not ended. No row
-- comes back otherwise.
UPDATE ledger.chunks AS c
SET state = 'done', part_key = :part_key, units = :units, reserved = NULL, lease_until = NULL, payload = NULL, last_error = NULL
FROM ledger.runs AS r
WHERE c.job_id = :job_id AND c.chunk = :chunk AND c.lease_token = :token AND c.state = 'dispatched'
  AND r.job_id = c.job_id AND r.state IN ('queued', 'running', 'stopping')
RETURNING c.chunk
