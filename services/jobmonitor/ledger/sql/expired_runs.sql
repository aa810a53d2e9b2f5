-- Jobs whose result, or whose report of a failure, has outlived its time. Nothing writes to an ended run but a download.
SELECT job_id
FROM ledger.runs
WHERE NOT expired AND (expires_at < now() OR (state = 'failed' AND updated_at < now() - :reports_after::interval))
LIMIT :limit
FOR NO KEY UPDATE SKIP LOCKED
