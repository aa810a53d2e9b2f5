-- Writes back what may have changed of locked runs, a JSON array of whole runs.
UPDATE ledger.runs AS r
SET state = n.state, sequence = n.sequence, done = n.done, total = n.total, result = n.result,
    expires_at = n.expires_at, downloaded = n.downloaded, expired = n.expired, admitted = n.admitted,
    stop_requested_by = n.stop_requested_by, stop_requested_at = n.stop_requested_at, chunks_total = n.chunks_total,
    chunks_dispatched = n.chunks_dispatched, chunks_done = n.chunks_done, outcomes = n.outcomes, rejected = n.rejected,
    rows = n.rows, stop_heard_at = n.stop_heard_at, rejected_requests = n.rejected_requests, updated_at = now()
FROM json_populate_recordset(NULL::ledger.runs, :runs::json) AS n
WHERE r.job_id = n.job_id
