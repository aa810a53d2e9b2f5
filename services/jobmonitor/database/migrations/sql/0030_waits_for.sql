-- What a job waits for before it can go on, as its newest fact says.
ALTER TABLE ledger.runs ADD COLUMN waits_for text;
ALTER TABLE projection.job_monitor ADD COLUMN waits_for text;
ALTER TABLE projection.job_history ADD COLUMN waits_for text;
