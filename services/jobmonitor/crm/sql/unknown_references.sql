-- Which of these export groups, profiles, pages, questions, broadcasts do not exist?
SELECT 'export_group' AS kind, named.id FROM unnest(:export_groups::bigint[]) AS named (id)
WHERE NOT EXISTS (SELECT FROM crm.export_groups AS known WHERE known.id = named.id)
UNION ALL
SELECT 'profile', named.id FROM unnest(:profiles::bigint[]) AS named (id)
WHERE NOT EXISTS (SELECT FROM crm.profiles AS known WHERE known.id = named.id)
UNION ALL
SELECT 'page', named.id FROM unnest(:pages::bigint[]) AS named (id)
WHERE NOT EXISTS (SELECT FROM crm.pages AS known WHERE known.id = named.id)
UNION ALL
SELECT 'question', named.id FROM unnest(:questions::bigint[]) AS named (id)
WHERE NOT EXISTS (SELECT FROM crm.questions AS known WHERE known.id = named.id)
UNION ALL
SELECT 'broadcast', named.id FROM unnest(:broadcasts::bigint[]) AS named (id)
WHERE NOT EXISTS (SELECT FROM crm.email_campaigns AS known WHERE known.id = named.id)
