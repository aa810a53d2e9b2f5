-- Of each of these job types how long the oldest of the first thousand submissions waits that, as far as the view knows,
-- nobody accepted, in seconds; and how many of them do. By the clock of who submitted it.
SELECT place.job_type, count(waiting.job_id) AS jobs,
       coalesce(extract(epoch FROM now() - min(waiting.submitted_at)), 0)::float8 AS oldest_s
FROM unnest(:job_types::text[]) AS place(job_type)
LEFT JOIN LATERAL (
    SELECT m.job_id, m.submitted_at
    FROM projection.job_monitor AS m
    LEFT JOIN ledger.runs AS r USING (job_id)
    WHERE m.job_type = place.job_type AND m.accepted_at IS NULL AND m.completed_at IS NULL AND r.job_id IS NULL
    ORDER BY m.number
    LIMIT 1000
) AS waiting ON true
GROUP BY place.job_type
