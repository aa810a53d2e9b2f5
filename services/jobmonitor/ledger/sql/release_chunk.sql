-- Gives a chunk back after a failed attempt; it may be claimed again when the delay is over.
UPDATE ledger.chunks
SET lease_token = NULL, lease_until = now() + $4::interval, last_error = $5
WHERE job_id = $1 AND chunk = $2 AND lease_token = $3 AND state = 'dispatched'
RETURNING attempt
