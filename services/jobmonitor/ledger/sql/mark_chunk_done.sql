-- Marks a chunk done, only under the lease it was claimed with. No row comes back when that lease was superseded.
UPDATE ledger.chunks
SET state = 'done', part_key = $4, lease_until = NULL, payload = NULL, last_error = NULL
WHERE job_id = $1 AND chunk = $2 AND lease_token = $3 AND state = 'dispatched'
RETURNING chunk
