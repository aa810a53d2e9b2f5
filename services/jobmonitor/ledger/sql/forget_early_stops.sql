-- These jobs are accepted: stops that came before them need not be kept any more.
DELETE FROM ledger.early_stops WHERE job_id = ANY (:job_ids::uuid[])
