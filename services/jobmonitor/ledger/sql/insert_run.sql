-- Takes a submission up; no row comes back when the job is known already.
INSERT INTO ledger.runs (job_id, account_id, owner_id, job_type, parameters, run_at, state)
VALUES ($1, $2, $3, $4, $5, $6, 'new')
ON CONFLICT (job_id) DO NOTHING
RETURNING job_id
