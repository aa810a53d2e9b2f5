-- Holds a plan's lease to the end of the transaction, so that nobody supersedes it meanwhile. No row comes back when it was
-- lost, or when its job no longer waits to be started.
SELECT c.chunk
FROM ledger.chunks AS c
JOIN ledger.runs AS r USING (job_id)
WHERE c.job_id = :job_id AND c.chunk = :chunk AND c.lease_token = :token AND c.state = 'dispatched' AND r.state = 'queued'
FOR SHARE OF c
