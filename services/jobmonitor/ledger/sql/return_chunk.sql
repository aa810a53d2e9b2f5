-- Gives a chunk back that was not tried to its end, at its job's stop or its worker's: that is no try.
UPDATE ledger.chunks
SET lease_token = NULL, lease_until = now(), uncounted = uncounted + 1
WHERE job_id = :job_id AND chunk = :chunk AND lease_token = :token AND state = 'dispatched'
RETURNING attempt
