-- Give these supporters these values of these fields, as far as the fields still exist.
INSERT INTO crm.supporter_values (account_id, supporter_id, field_id, value)
SELECT :account_id, new.supporter_id, new.field_id, new.value
FROM unnest(:supporters::bigint[], :fields::bigint[], :values::text[]) AS new (supporter_id, field_id, value)
JOIN crm.ads_fields ON ads_fields.id = new.field_id
ON CONFLICT (supporter_id, field_id) DO UPDATE SET value = excluded.value
