-- Nobody looks at these schedules before that moment.
UPDATE crm.schedules SET put_off_until = :until WHERE id = ANY (:ids::uuid[])
