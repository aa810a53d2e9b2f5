-- What do these supporters ($1) hold in these fields ($2)?
SELECT supporter_id, field_id, value
FROM crm.supporter_values
WHERE supporter_id = ANY($1::bigint[]) AND field_id = ANY($2::bigint[])
