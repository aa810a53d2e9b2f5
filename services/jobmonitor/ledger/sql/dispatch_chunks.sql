-- Hands out a job's next chunks, in order; they may be claimed from now on.
UPDATE ledger.chunks
SET state = 'dispatched', dispatched_at = now()
WHERE job_id = $1 AND chunk BETWEEN $2 AND $3 AND state = 'waiting'
RETURNING chunk, kind
