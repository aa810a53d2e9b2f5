-- Nobody looks at this schedule before that moment.
UPDATE crm.schedules SET put_off_until = :until WHERE id = :id
