-- How many jobs of each type of an account are at work, and which exclusive resources they use.
SELECT job_type, count(*) AS jobs, coalesce(array_agg(writes) FILTER (WHERE writes IS NOT NULL), '{}') AS resources
FROM ledger.runs
WHERE account_id = :account_id AND admitted AND state IN ('queued', 'running', 'stopping')
GROUP BY job_type
