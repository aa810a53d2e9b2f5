-- The stops that came before these jobs did, the first asked for last.
SELECT job_id, account_id, requested_by, requested_at FROM ledger.early_stops
WHERE job_id = ANY (:job_ids::uuid[]) ORDER BY requested_at DESC
