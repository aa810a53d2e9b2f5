-- Which of these accounts and users (arrays, side by side) exist, what may the users do, and what time is it?
SELECT account_id, user_id, account_exists, user_type, active, permissions, now() AS now FROM crm.standings(:accounts, :users)
