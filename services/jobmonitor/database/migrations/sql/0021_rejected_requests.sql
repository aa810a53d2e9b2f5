-- What was asked, so that a repeat which asks for something else is told apart; which requests about the job were rejected,
-- each told once; and the last stop a worker heard of, whatever came of it.
ALTER TABLE ledger.runs
    ADD COLUMN request_sha256 text,
    ADD COLUMN rejected_requests text[] NOT NULL DEFAULT '{}',
    ADD COLUMN stop_heard_at timestamptz;
UPDATE ledger.runs SET stop_heard_at = coalesce(stop_requested_at, now()) WHERE stop_requested_by IS NOT NULL;

-- Stops of jobs that nobody has submitted yet: obeyed when the job comes, forgotten after a day.
CREATE TABLE ledger.early_stops (
    job_id uuid NOT NULL,
    account_id bigint NOT NULL,
    requested_by bigint NOT NULL,
    requested_at timestamptz NOT NULL,
    kept_until timestamptz NOT NULL DEFAULT now() + interval '1 day',
    PRIMARY KEY (job_id, account_id, requested_by)
);
GRANT SELECT, INSERT, DELETE ON ledger.early_stops TO jobmonitor_worker;

-- When the last stop was asked for that was rejected.
ALTER TABLE projection.job_monitor ADD COLUMN stop_rejected_at timestamptz;
ALTER TABLE projection.job_history ADD COLUMN stop_rejected_at timestamptz;
