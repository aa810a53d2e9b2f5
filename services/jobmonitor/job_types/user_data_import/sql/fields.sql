-- Which supporter fields can an import fill, in the account's order?
SELECT id, name, tag, input_type FROM crm.ads_fields ORDER BY position
