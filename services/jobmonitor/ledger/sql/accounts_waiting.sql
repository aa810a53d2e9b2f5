-- Accounts with jobs that wait although fewer than so many of their type are at work.
SELECT DISTINCT w.account_id
FROM ledger.waiting_types AS w
WHERE (
    SELECT count(*)
    FROM ledger.runs AS r
    WHERE r.account_id = w.account_id AND r.job_type = w.job_type AND r.admitted
      AND r.state IN ('queued', 'running', 'stopping')
) < :account_jobs_max
ORDER BY w.account_id
