-- Who has these addresses? Who is known stays locked, so that nobody changes what the import is about to compare.
WITH given AS MATERIALIZED (
    SELECT address, lower(address) AS key FROM unnest(:addresses::text[]) AS asked (address)
), known AS MATERIALIZED (
    SELECT id, email_key FROM crm.supporters
    WHERE email_key = ANY(ARRAY(SELECT key FROM given))
    ORDER BY id
    FOR UPDATE
)
SELECT given.address, given.key, known.id
FROM given
LEFT JOIN known ON known.email_key = given.key
