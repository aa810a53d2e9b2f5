-- Takes back a reservation of which surely nothing was begun; no row where the lease was lost.
UPDATE ledger.chunks
SET reserved = NULL
WHERE job_id = :job_id AND chunk = :chunk AND lease_token = :token AND state = 'dispatched'
RETURNING chunk
