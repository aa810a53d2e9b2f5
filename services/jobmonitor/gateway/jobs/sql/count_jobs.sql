-- How many jobs the monitor holds, by what can be done with them; of each no more are counted than :at_most.
SELECT (SELECT count(*) FROM (
           SELECT FROM projection.job_monitor AS j WHERE {owner_filter} LIMIT :at_most) AS a) AS "all",
       (SELECT count(*) FROM (
           SELECT FROM projection.job_monitor AS j
           WHERE {owner_filter} AND j.state IN ('queued', 'running', 'stopping') LIMIT :at_most) AS r) AS running,
       (SELECT count(*) FROM (
           SELECT FROM projection.job_monitor AS j WHERE {owner_filter} AND j.state = 'scheduled' LIMIT :at_most) AS s) AS scheduled,
       (SELECT count(*) FROM (
           SELECT FROM projection.job_monitor AS j
           WHERE {owner_filter} AND (j.state = 'failed'
               OR (j.expired_at IS NULL AND (j.result ->> 'expires_at')::timestamptz > now())) LIMIT :at_most) AS d) AS ready
