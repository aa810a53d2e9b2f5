-- What outside probes recorded of their units, and how many units are there more than once.
SELECT u.job_id, u.outcome, count(*) AS units, count(*) FILTER (WHERE u.earlier > 0) AS doubled
FROM (
    SELECT job_id, outcome, row_number() OVER (PARTITION BY job_id, unit) - 1 AS earlier
    FROM probe.outside_units
) AS u
GROUP BY u.job_id, u.outcome
