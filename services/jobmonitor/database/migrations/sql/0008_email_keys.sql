-- Addresses in lower case, as plain text. Row-level security lets an index answer only what cannot tell other accounts'
-- rows: comparing text is such a thing, comparing citext is not, and would read all supporters of the account.
ALTER TABLE crm.supporters ADD COLUMN email_key text NOT NULL GENERATED ALWAYS AS (lower(email::text)) STORED;
CREATE INDEX supporters_by_email_key ON crm.supporters (account_id, email_key);
