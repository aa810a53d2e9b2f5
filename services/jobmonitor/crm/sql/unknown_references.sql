-- Which of these export groups ($1), profiles ($2), pages ($3), questions ($4), broadcasts ($5) do not exist?
SELECT 'export_group' AS kind, named.id FROM unnest($1::bigint[]) AS named (id)
WHERE NOT EXISTS (SELECT FROM crm.export_groups AS known WHERE known.id = named.id)
UNION ALL
SELECT 'profile', named.id FROM unnest($2::bigint[]) AS named (id)
WHERE NOT EXISTS (SELECT FROM crm.profiles AS known WHERE known.id = named.id)
UNION ALL
SELECT 'page', named.id FROM unnest($3::bigint[]) AS named (id)
WHERE NOT EXISTS (SELECT FROM crm.pages AS known WHERE known.id = named.id)
UNION ALL
SELECT 'question', named.id FROM unnest($4::bigint[]) AS named (id)
WHERE NOT EXISTS (SELECT FROM crm.questions AS known WHERE known.id = named.id)
UNION ALL
SELECT 'broadcast', named.id FROM unnest($5::bigint[]) AS named (id)
WHERE NOT EXISTS (SELECT FROM crm.email_campaigns AS known WHERE known.id = named.id)
