-- An ended job needs no chunks; what they were stands in the timeline. Nothing of it is left to sweep.
WITH gone AS (DELETE FROM ledger.chunks WHERE job_id = :job_id)
UPDATE ledger.runs
SET swept = true
WHERE job_id = :job_id
