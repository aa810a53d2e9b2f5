-- Scheduled jobs whose time has come; locked, so that each starts once however many reconcilers look.
SELECT job_id
FROM ledger.runs
WHERE state = 'scheduled' AND run_at <= now()
ORDER BY run_at
LIMIT :limit
FOR NO KEY UPDATE SKIP LOCKED
