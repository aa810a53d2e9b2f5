-- The download was recorded; how it came together no longer matters.
DELETE FROM gateway.transfers WHERE job_id = :job_id AND user_id = :user_id
