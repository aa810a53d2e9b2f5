-- Which currencies are there, and how many decimals has each?
SELECT code::text AS code, exponent FROM crm.currencies
