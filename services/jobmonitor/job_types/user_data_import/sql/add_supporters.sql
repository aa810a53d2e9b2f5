-- Add supporters with these addresses to the account, in this order; who was added meanwhile is left out.
INSERT INTO crm.supporters (account_id, email)
SELECT :account_id, address FROM unnest(:addresses::text[]) WITH ORDINALITY AS new (address, place) ORDER BY place
ON CONFLICT (account_id, email) DO NOTHING
RETURNING id, email_key
