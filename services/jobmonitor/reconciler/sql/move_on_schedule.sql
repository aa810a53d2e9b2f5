-- The dates of this schedule before the next one are done.
UPDATE crm.schedules
SET next_date = :next_date, next_at = :next_at, advanced_at = :advanced_at, put_off_until = NULL,
    last_date = :last_date, last_job_id = :last_job_id
WHERE id = :id
