-- Nothing more of this schedule starts.
DELETE FROM crm.schedules WHERE id = :schedule_id
