-- Writes back what may have changed of a locked run.
UPDATE ledger.runs
SET state = $2, sequence = $3, done = $4, total = $5, result = $6, downloaded = $7, expired = $8,
    stop_requested_by = $9, chunks_total = $10, chunks_dispatched = $11, chunks_done = $12, outcomes = $13,
    rejected = $14, rows = $15, updated_at = now()
WHERE job_id = $1
