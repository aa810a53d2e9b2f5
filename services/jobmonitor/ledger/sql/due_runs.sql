-- Scheduled jobs whose time has come; locked, so that each starts once however many reconcilers look.
SELECT job_id
FROM ledger.runs
WHERE state = 'scheduled' AND run_at <= now()
ORDER BY run_at
LIMIT $1
FOR NO KEY UPDATE SKIP LOCKED
