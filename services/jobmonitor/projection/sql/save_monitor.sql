-- Write these whole rows ({monitor}) into the monitor. Their jobs are locked: nobody else writes them meanwhile.
MERGE INTO {schema}.job_monitor AS j
USING {monitor} AS s
ON j.job_id = s.job_id
WHEN MATCHED THEN
    UPDATE SET
        reference = s.reference, parameters = s.parameters, state = s.state, sequence = s.sequence,
        submitted_at = s.submitted_at, run_at = s.run_at, accepted_at = s.accepted_at, started_at = s.started_at,
        completed_at = s.completed_at, done = s.done, total = s.total, unit = s.unit, rejected = s.rejected,
        outcomes = s.outcomes, failure_code = s.failure_code, failure_reason = s.failure_reason, result = s.result,
        stop_requested_at = s.stop_requested_at, stop_requested_by = s.stop_requested_by,
        stop_rejected_at = s.stop_rejected_at,
        downloaded_at = s.downloaded_at, downloaded_by = s.downloaded_by, expired_at = s.expired_at,
        updated_at = s.updated_at
WHEN NOT MATCHED THEN
    INSERT (
        job_id, number, account_id, owner_id, job_type, reference, parameters, state, sequence, submitted_at,
        run_at, accepted_at, started_at, completed_at, done, total, unit, rejected, outcomes, failure_code,
        failure_reason, result, stop_requested_at, stop_requested_by, stop_rejected_at, downloaded_at, downloaded_by, expired_at,
        updated_at, month
    )
    VALUES (
        s.job_id, s.number, s.account_id, s.owner_id, s.job_type, s.reference, s.parameters, s.state, s.sequence,
        s.submitted_at, s.run_at, s.accepted_at, s.started_at, s.completed_at, s.done, s.total, s.unit, s.rejected,
        s.outcomes, s.failure_code, s.failure_reason, s.result, s.stop_requested_at, s.stop_requested_by, s.stop_rejected_at,
        s.downloaded_at, s.downloaded_by, s.expired_at, s.updated_at, s.month
    )
