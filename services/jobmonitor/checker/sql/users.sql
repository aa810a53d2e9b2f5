-- Which account each user belongs to.
SELECT id, account_id FROM crm.users
