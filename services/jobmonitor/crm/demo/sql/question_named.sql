-- Which question of the account ($1) has this name ($2)?
SELECT id FROM crm.questions WHERE account_id = $1 AND name = $2
