-- Hands out a job's next chunks, in order; they may be claimed from now on, not since the transaction began: the work of
-- the chunk before may have taken long in it.
UPDATE ledger.chunks
SET state = 'dispatched', dispatched_at = clock_timestamp()
WHERE job_id = :job_id AND chunk BETWEEN :first AND :last AND state = 'waiting'
RETURNING chunk, kind
