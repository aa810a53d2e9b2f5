-- Of each of these job types the next submissions behind a Job# whose job, as far as the view knows, nobody accepted.
SELECT next.job_id, next.job_type, next.number
FROM unnest(:job_types::text[], :behind::bigint[]) AS place(job_type, number)
CROSS JOIN LATERAL (
    SELECT job_id, job_type, number
    FROM projection.job_monitor
    WHERE job_type = place.job_type AND number > place.number AND accepted_at IS NULL AND completed_at IS NULL
    ORDER BY number
    LIMIT :limit
) AS next
ORDER BY next.number
