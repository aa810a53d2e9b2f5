-- Which export groups are there, with the names of their fields in order?
SELECT groups.id, groups.name, ARRAY(
    SELECT fields.name
    FROM crm.export_group_fields AS chosen
    JOIN crm.ads_fields AS fields ON fields.id = chosen.field_id
    WHERE chosen.group_id = groups.id
    ORDER BY chosen.position
) AS fields
FROM crm.export_groups AS groups
ORDER BY groups.name, groups.id
