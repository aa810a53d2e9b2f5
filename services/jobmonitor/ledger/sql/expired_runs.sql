-- Jobs whose result has outlived its time.
SELECT job_id
FROM ledger.runs
WHERE result IS NOT NULL AND NOT expired AND (result ->> 'expires_at')::timestamptz < now()
LIMIT $1
FOR UPDATE SKIP LOCKED
