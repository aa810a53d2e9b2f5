-- What are these users called?
SELECT id, name FROM crm.users WHERE id = ANY($1::bigint[])
