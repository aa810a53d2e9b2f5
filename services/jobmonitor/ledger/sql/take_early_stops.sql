-- The stops that came before these jobs did, the first asked for last. They are taken out.
WITH taken AS (DELETE FROM ledger.early_stops WHERE job_id = ANY ($1::uuid[]) RETURNING *)
SELECT job_id, account_id, requested_by, requested_at FROM taken ORDER BY requested_at DESC
