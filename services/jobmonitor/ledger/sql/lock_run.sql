-- The run, locked until the end of the transaction: facts of one job are made one after the other. Rows that refer to it
-- (its chunks) may be written meanwhile: a stop never waits for a plan.
SELECT {columns}
FROM ledger.runs
WHERE job_id = :job_id
FOR NO KEY UPDATE
