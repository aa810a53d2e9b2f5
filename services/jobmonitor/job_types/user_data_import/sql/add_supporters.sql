-- Add supporters with these addresses ($2) to the account ($1), in this order; who was added meanwhile is left out.
INSERT INTO crm.supporters (account_id, email)
SELECT $1, address FROM unnest($2::text[]) WITH ORDINALITY AS new (address, place) ORDER BY place
ON CONFLICT (account_id, email) DO NOTHING
RETURNING id, email_key
