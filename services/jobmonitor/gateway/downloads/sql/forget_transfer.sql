-- The download was recorded; how it came together no longer matters.
DELETE FROM gateway.transfers WHERE job_id = $1 AND user_id = $2
