-- What do the records of these supporters ($1) hold in these fields ($2)?
SELECT supporters.id, supporters.email::text AS email, supporters.created_at, supporters.modified_at,
       coalesce(held.fields, '{}') AS fields, coalesce(held.texts, '{}') AS texts
FROM crm.supporters
LEFT JOIN LATERAL (
    SELECT array_agg(field_id) AS fields, array_agg(value) AS texts
    FROM crm.supporter_values
    WHERE supporter_values.supporter_id = supporters.id AND field_id = ANY($2::bigint[])
) AS held ON true
WHERE supporters.id = ANY($1::bigint[])
