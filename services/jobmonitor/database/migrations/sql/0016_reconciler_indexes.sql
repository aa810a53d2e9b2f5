-- What the reconciler looks for again and again it finds by an index, however many jobs there are.

-- Whether the parts of an ended job are gone.
ALTER TABLE ledger.runs ADD COLUMN swept boolean NOT NULL DEFAULT false;
UPDATE ledger.runs AS r
SET swept = true
WHERE state IN ('completed', 'completed_with_errors', 'failed', 'cancelled')
  AND NOT EXISTS (SELECT FROM ledger.chunks AS c WHERE c.job_id = r.job_id);
CREATE INDEX runs_to_sweep ON ledger.runs (job_id)
    WHERE NOT swept AND state IN ('completed', 'completed_with_errors', 'failed', 'cancelled');

-- Room is counted by account and job type.
DROP INDEX ledger.runs_waiting;
CREATE INDEX runs_waiting ON ledger.runs (account_id, job_type, created_at, job_id)
    WHERE state = 'queued' AND NOT admitted;
DROP INDEX ledger.runs_at_work;
CREATE INDEX runs_at_work ON ledger.runs (account_id, job_type)
    WHERE admitted AND state IN ('queued', 'running', 'stopping');

-- Submissions no worker took up, and stops of jobs that have not ended. Nothing of it changes while a job goes on, so
-- progress still leaves the indexes alone.
CREATE INDEX job_monitor_untaken ON projection.job_monitor (job_type, number)
    WHERE accepted_at IS NULL AND completed_at IS NULL;
CREATE INDEX job_monitor_stop_asked ON projection.job_monitor (number)
    WHERE stop_requested_at IS NOT NULL AND completed_at IS NULL;
