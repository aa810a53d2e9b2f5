-- By job type, for how long nothing changed in the jobs at work of an account of which others wait for room: the longest,
-- in seconds.
SELECT w.job_type, max(extract(epoch FROM now() - moved.at))::float8 AS longest_s
FROM ledger.waiting_types AS w
CROSS JOIN LATERAL (
    SELECT max(updated_at) AS at
    FROM ledger.runs AS r
    WHERE r.account_id = w.account_id AND r.job_type = w.job_type AND r.admitted
      AND r.state IN ('queued', 'running', 'stopping')
) AS moved
WHERE moved.at IS NOT NULL
GROUP BY w.job_type
