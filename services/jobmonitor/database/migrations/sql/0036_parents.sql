-- Which job submitted a job. Few were submitted by one, and only those are in the indexes.
ALTER TABLE ledger.runs ADD COLUMN parent_job_id uuid;
ALTER TABLE projection.job_monitor ADD COLUMN parent_job_id uuid;
ALTER TABLE projection.job_history ADD COLUMN parent_job_id uuid;
CREATE INDEX job_monitor_by_parent ON projection.job_monitor (parent_job_id) WHERE parent_job_id IS NOT NULL;
CREATE INDEX job_history_by_parent ON projection.job_history (parent_job_id) WHERE parent_job_id IS NOT NULL;
