-- Takes jobs up, a JSON array of whole runs; a row comes back for each that was not known. In one order, so that two
-- workers that heard the same requests wait for each other instead of blocking each other. Who ended at once had no parts.
INSERT INTO ledger.runs (
    job_id, account_id, owner_id, job_type, parameters, created_at, run_at, writes, admitted, state, sequence, done, total,
    result, expires_at, downloaded, expired, stop_requested_by, stop_requested_at, chunks_total, chunks_dispatched,
    chunks_done, outcomes, rejected, rows, stop_heard_at, rejected_requests, request_sha256, swept
)
SELECT
    job_id, account_id, owner_id, job_type, parameters, created_at, run_at, writes, admitted, state, sequence, done, total,
    result, expires_at, downloaded, expired, stop_requested_by, stop_requested_at, chunks_total, chunks_dispatched,
    chunks_done, outcomes, rejected, rows, stop_heard_at, rejected_requests, request_sha256, state IN ('completed', 'completed_with_errors', 'failed', 'cancelled')
FROM json_populate_recordset(NULL::ledger.runs, :runs::json)
ORDER BY job_id
ON CONFLICT (job_id) DO NOTHING
RETURNING job_id
