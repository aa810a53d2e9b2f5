-- Add this schedule; nothing comes back where its owner has one of that name.
INSERT INTO crm.schedules (account_id, owner_id, name, job_type, parameters, reference, zone, local_time, weekdays, month_day,
    missed, date_parameter, next_date, next_at)
VALUES (:account_id, :owner_id, :name, :job_type, :parameters, :reference, :zone, :local_time, :weekdays::smallint[],
    :month_day, :missed, :date_parameter, :next_date, :next_at)
ON CONFLICT (account_id, owner_id, name) DO NOTHING
RETURNING id
