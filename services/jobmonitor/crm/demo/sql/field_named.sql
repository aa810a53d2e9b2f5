-- Which supporter field of the account ($1) has this name ($2)?
SELECT id FROM crm.ads_fields WHERE account_id = $1 AND name = $2
