-- Who is the system user of the viewer's account, and what time is it?
SELECT id, now() AS now FROM crm.users WHERE user_type = 'system' AND account_id = :account_id
