-- Which supporter field of the account has this name?
SELECT id FROM crm.ads_fields WHERE account_id = :account AND name = :name
