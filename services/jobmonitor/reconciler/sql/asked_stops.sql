-- The next jobs behind a Job# that somebody asked to stop and that have not ended, as far as the view knows.
SELECT job_id, number
FROM projection.job_monitor
WHERE stop_requested_at IS NOT NULL AND completed_at IS NULL AND number > :behind
ORDER BY number
LIMIT :limit
