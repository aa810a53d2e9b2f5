-- How many schedules have a date that has come and is not submitted, and for how long the longest waits, in seconds.
SELECT count(*) AS due, coalesce(extract(epoch FROM now() - min(next_at)), 0)::float8 AS late_s
FROM crm.schedules
WHERE NOT paused AND next_at <= now()
