-- What are these pages called, and to which campaign do they belong? In the order given.
SELECT pages.id, campaigns.reference_name AS name, pages.campaign_id
FROM unnest(:pages::bigint[]) WITH ORDINALITY AS wanted (id, position)
JOIN crm.pages ON pages.id = wanted.id
JOIN crm.campaigns ON campaigns.id = pages.campaign_id
ORDER BY wanted.position
