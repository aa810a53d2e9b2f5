-- How many jobs of an account are at work, by type and by the exclusive resources they use.
SELECT job_type, writes AS resources, count(*) AS jobs
FROM ledger.runs
WHERE account_id = :account_id AND admitted AND state IN ('queued', 'running', 'stopping')
GROUP BY job_type, writes
