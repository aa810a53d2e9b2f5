-- Keep the stop of a job that nobody has submitted yet, while there is room for it. What has waited too long is dropped.
WITH old AS (DELETE FROM ledger.early_stops WHERE kept_until < now())
INSERT INTO ledger.early_stops (job_id, account_id, requested_by, requested_at)
SELECT :job_id, :account_id, :requested_by, :requested_at
WHERE (SELECT count(*) FROM ledger.early_stops) < 10000
  AND NOT EXISTS (SELECT FROM ledger.taken_up WHERE job_id = :job_id)
ON CONFLICT (job_id, account_id, requested_by) DO NOTHING
