-- A sign of life, and of an error: the lease holds for another while. No row comes back when it was lost.
UPDATE ledger.chunks
SET lease_until = now() + $4::interval, last_error = coalesce($5, last_error)
WHERE job_id = $1 AND chunk = $2 AND lease_token = $3 AND state = 'dispatched'
RETURNING chunk
