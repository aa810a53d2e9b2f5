-- Whether the files of an expired run are gone too: whoever marked it may have died before it could delete them.
ALTER TABLE ledger.runs ADD COLUMN purged boolean NOT NULL DEFAULT false;
CREATE INDEX runs_to_purge ON ledger.runs (job_id) WHERE expired AND NOT purged;
