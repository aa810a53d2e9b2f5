-- Write these jobs, a JSON array of whole rows, into the monitor. For the history the table's name is exchanged.
INSERT INTO projection.job_monitor AS j (
    job_id, number, account_id, owner_id, job_type, reference, parameters, state, sequence, submitted_at, run_at,
    accepted_at, started_at, completed_at, done, total, unit, rejected, outcomes, failure_code, failure_reason, result,
    stop_requested_at, stop_requested_by, downloaded_at, downloaded_by, expired_at, updated_at, month
)
SELECT
    job_id, number, account_id, owner_id, job_type, reference, parameters, state, sequence, submitted_at, run_at,
    accepted_at, started_at, completed_at, done, total, unit, rejected, outcomes, failure_code, failure_reason, result,
    stop_requested_at, stop_requested_by, downloaded_at, downloaded_by, expired_at, updated_at, month
FROM json_populate_recordset(NULL::projection.job_monitor, $1::json)
ON CONFLICT (job_id) DO UPDATE SET
    reference = excluded.reference,
    parameters = excluded.parameters,
    state = excluded.state,
    sequence = excluded.sequence,
    submitted_at = excluded.submitted_at,
    run_at = excluded.run_at,
    accepted_at = excluded.accepted_at,
    started_at = excluded.started_at,
    completed_at = excluded.completed_at,
    done = excluded.done,
    total = excluded.total,
    unit = excluded.unit,
    rejected = excluded.rejected,
    outcomes = excluded.outcomes,
    failure_code = excluded.failure_code,
    failure_reason = excluded.failure_reason,
    result = excluded.result,
    stop_requested_at = excluded.stop_requested_at,
    stop_requested_by = excluded.stop_requested_by,
    downloaded_at = excluded.downloaded_at,
    downloaded_by = excluded.downloaded_by,
    expired_at = excluded.expired_at,
    updated_at = excluded.updated_at
