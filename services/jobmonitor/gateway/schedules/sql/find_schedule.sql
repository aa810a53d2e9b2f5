-- This schedule, if the viewer sees it, with its owner's name.
SELECT s.*, users.name AS owner_name
FROM crm.schedules AS s
LEFT JOIN crm.users ON users.id = s.owner_id
WHERE s.id = :schedule_id
