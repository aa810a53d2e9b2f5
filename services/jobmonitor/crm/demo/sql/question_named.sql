-- Which question of the account has this name?
SELECT id FROM crm.questions WHERE account_id = :account AND name = :name
