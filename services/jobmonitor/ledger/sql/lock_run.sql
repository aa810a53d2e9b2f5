-- The run, locked until the end of the transaction: facts of one job are made one after the other. Rows that refer to it
-- (its chunks) may be written meanwhile: a stop never waits for a plan.
SELECT job_id, account_id, owner_id, job_type, parameters, created_at, run_at, writes, admitted, state, sequence, done,
       total, result, downloaded, expired, stop_requested_by, stop_requested_at, chunks_total, chunks_dispatched,
       chunks_done, outcomes, rejected, rows, stop_heard_at, rejected_requests, request_sha256
FROM ledger.runs
WHERE job_id = :job_id
FOR NO KEY UPDATE
