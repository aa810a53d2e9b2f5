-- This job of the schedule was started last.
UPDATE crm.schedules SET last_job_id = :job_id WHERE id = :schedule_id
