-- Hands out a job's next chunks, in order; they may be claimed from now on.
UPDATE ledger.chunks
SET state = 'dispatched', dispatched_at = now()
WHERE job_id = :job_id AND chunk BETWEEN :first AND :last AND state = 'waiting'
RETURNING chunk, kind
