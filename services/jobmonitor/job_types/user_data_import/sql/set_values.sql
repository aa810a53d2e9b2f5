-- Give these supporters ($2) these values ($4) of these fields ($3), as far as the fields still exist.
INSERT INTO crm.supporter_values (account_id, supporter_id, field_id, value)
SELECT $1, new.supporter_id, new.field_id, new.value
FROM unnest($2::bigint[], $3::bigint[], $4::text[]) AS new (supporter_id, field_id, value)
JOIN crm.ads_fields ON ads_fields.id = new.field_id
ON CONFLICT (supporter_id, field_id) DO UPDATE SET value = excluded.value
