-- A job may need several exclusive resources at once.
ALTER TABLE ledger.runs RENAME COLUMN writes TO wrote;
ALTER TABLE ledger.runs ADD COLUMN writes text[] NOT NULL DEFAULT '{}';
UPDATE ledger.runs SET writes = ARRAY[wrote] WHERE wrote IS NOT NULL;
ALTER TABLE ledger.runs DROP COLUMN wrote;
DROP INDEX ledger.runs_waiting;
CREATE INDEX runs_waiting ON ledger.runs (account_id, job_type, writes, created_at, job_id)
    WHERE state = 'queued' AND NOT admitted;
