-- By job type: how many jobs have not ended, by state; since when the oldest waits that is queued and whose plan nobody
-- makes, in seconds; and how many chunks of the jobs at work were not handed out yet. A job that was scheduled waits since
-- its time came. By the indexes of what waits, works and is due, however many jobs have ended; of one account and type no
-- more than :counted_max waiting jobs are read, the first in line, and so many scheduled ones in all.
WITH waiting AS (
    SELECT w.job_type, 'queued' AS state, first.since, 0 AS chunks_left
    FROM ledger.waiting_types AS w
    CROSS JOIN LATERAL (
        SELECT greatest(created_at, run_at) AS since
        FROM ledger.runs AS r
        WHERE r.account_id = w.account_id AND r.job_type = w.job_type AND r.state = 'queued' AND NOT r.admitted
        ORDER BY r.created_at, r.job_id
        LIMIT :counted_max
    ) AS first
), at_work AS (
    SELECT r.job_type, r.state,
           CASE WHEN r.state = 'queued' AND coalesce(
               (SELECT c.lease_until FROM ledger.chunks AS c WHERE c.job_id = r.job_id AND c.chunk = 0), '-infinity'
           ) < now() THEN greatest(r.created_at, r.run_at) END AS since,
           CASE WHEN r.state = 'running' THEN r.chunks_total - r.chunks_dispatched ELSE 0 END AS chunks_left
    FROM ledger.runs AS r
    WHERE r.admitted AND r.state IN ('queued', 'running', 'stopping')
), due_later AS (
    SELECT job_type, 'scheduled' AS state, NULL::timestamptz AS since, 0 AS chunks_left
    FROM ledger.runs
    WHERE state = 'scheduled'
    ORDER BY run_at
    LIMIT :counted_max
)
SELECT job_type,
       count(*) FILTER (WHERE state = 'scheduled') AS scheduled,
       count(*) FILTER (WHERE state = 'queued') AS queued,
       count(*) FILTER (WHERE state = 'running') AS running,
       count(*) FILTER (WHERE state = 'stopping') AS stopping,
       coalesce(extract(epoch FROM now() - min(since)), 0)::float8 AS oldest_waiting_s,
       sum(chunks_left)::bigint AS chunks_not_dispatched
FROM (SELECT * FROM waiting UNION ALL SELECT * FROM at_work UNION ALL SELECT * FROM due_later) AS jobs
GROUP BY job_type
