-- The files of this run are gone.
UPDATE ledger.runs SET purged = true WHERE job_id = :job_id
