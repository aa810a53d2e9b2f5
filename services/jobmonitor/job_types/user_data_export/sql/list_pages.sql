-- Which pages are there, by name and kind?
SELECT pages.id, campaigns.reference_name AS name, campaigns.kind
FROM crm.pages
JOIN crm.campaigns ON campaigns.id = pages.campaign_id
ORDER BY campaigns.reference_name, pages.id
