-- This schedule goes on with that date, if it was paused.
UPDATE crm.schedules SET paused = false, next_date = :next_date, next_at = :next_at, put_off_until = NULL
WHERE id = :schedule_id AND paused
