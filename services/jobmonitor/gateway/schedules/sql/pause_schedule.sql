-- Nothing of this schedule starts until it is resumed.
UPDATE crm.schedules SET paused = true WHERE id = :schedule_id
