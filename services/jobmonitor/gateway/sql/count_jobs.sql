-- How many jobs the monitor or the history ({view}) holds, by what can be done with them.
SELECT count(*) AS "all",
       count(*) FILTER (WHERE state IN ('queued', 'running', 'stopping')) AS running,
       count(*) FILTER (WHERE state = 'scheduled') AS scheduled,
       count(*) FILTER (WHERE state = 'failed'
           OR (expired_at IS NULL AND (result ->> 'expires_at')::timestamptz > now())) AS ready
FROM projection.job_{view}
WHERE account_id = $1 AND ($2::bigint IS NULL OR owner_id = $2)
