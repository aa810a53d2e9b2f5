-- Runs go after a while; what they did is never done again.

-- Jobs that were accepted and whose runs are no longer kept, for ever: a submission of one that comes again changes nothing.
CREATE TABLE ledger.taken_up (
    job_id uuid PRIMARY KEY,
    account_id bigint NOT NULL
);
GRANT SELECT, INSERT ON ledger.taken_up TO jobmonitor_worker;

-- Runs of which nothing is left but themselves, the longest unchanged first. An expiry changes a run last.
CREATE INDEX runs_to_forget ON ledger.runs (updated_at)
    WHERE swept AND state IN ('completed', 'completed_with_errors', 'failed', 'cancelled')
      AND (purged OR (result IS NULL AND state <> 'failed'));
