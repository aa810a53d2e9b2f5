-- Tell those who listen which jobs the swap changes; they hear it when it commits. A notice names 150 jobs at most.
SELECT pg_notify('jobs_changed', json_build_object('account_id', account_id, 'job_ids', json_agg(job_id))::text)
FROM (
    SELECT account_id, job_id, (row_number() OVER (PARTITION BY account_id ORDER BY job_id) - 1) / 150 AS notice
    FROM (
        SELECT DISTINCT (coalesce(rebuilt, live) ->> 'account_id')::bigint AS account_id, job_id FROM pg_temp.differences
    ) AS jobs
) AS numbered
GROUP BY account_id, notice
