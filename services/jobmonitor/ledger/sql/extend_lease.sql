-- A sign of life, and of an error: the lease holds for another while. No row comes back when it was lost.
UPDATE ledger.chunks
SET lease_until = now() + :lease::interval, last_error = coalesce(:error, last_error)
WHERE job_id = :job_id AND chunk = :chunk AND lease_token = :token AND state = 'dispatched'
RETURNING chunk
