-- Which supporter fields are exported: those of the group in its order; without a group all, in the account's order?
SELECT fields.id, fields.name, coalesce(fields.tag = 'email', false) AS is_email
FROM crm.ads_fields AS fields
LEFT JOIN crm.export_group_fields AS chosen ON chosen.field_id = fields.id AND chosen.group_id = :export_group_id
WHERE :export_group_id::bigint IS NULL OR chosen.group_id IS NOT NULL
ORDER BY chosen.position, fields.position
