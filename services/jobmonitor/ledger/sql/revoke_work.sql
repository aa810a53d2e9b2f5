-- Nothing that a worker still has under way of this job may commit: what is done is about to be assembled.
UPDATE ledger.chunks
SET lease_token = NULL
WHERE job_id = :job_id AND kind = 'work' AND state = 'dispatched' AND lease_token IS NOT NULL
