-- What are these users called?
SELECT id, name FROM crm.users WHERE id = ANY(:user_ids::bigint[])
