-- The schedules the viewer sees, with their owners' names.
SELECT s.*, users.name AS owner_name
FROM crm.schedules AS s
LEFT JOIN crm.users ON users.id = s.owner_id
ORDER BY s.name, s.created_at, s.id
