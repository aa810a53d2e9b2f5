-- What do these supporters hold in these fields?
SELECT supporter_id, field_id, value
FROM crm.supporter_values
WHERE supporter_id = ANY(:supporters::bigint[]) AND field_id = ANY(:fields::bigint[])
