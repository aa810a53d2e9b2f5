-- What do the records of these supporters hold in these fields?
SELECT supporters.id, supporters.email::text AS email, supporters.created_at, supporters.modified_at,
       coalesce(held.fields, '{}') AS fields, coalesce(held.texts, '{}') AS texts
FROM crm.supporters
LEFT JOIN LATERAL (
    SELECT array_agg(field_id) AS fields, array_agg(value) AS texts
    FROM crm.supporter_values
    WHERE supporter_values.supporter_id = supporters.id AND field_id = ANY(:fields::bigint[])
) AS held ON true
WHERE supporters.id = ANY(:supporters::bigint[])
