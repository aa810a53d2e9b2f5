-- The units that probe jobs left, and how many of them are there more than once.
SELECT job_id, 'counted' AS outcome, sum(times)::bigint AS units, count(*) FILTER (WHERE times > 1) AS doubled
FROM (SELECT job_id, unit, count(*) AS times FROM probe.effects GROUP BY job_id, unit) AS units
GROUP BY job_id
