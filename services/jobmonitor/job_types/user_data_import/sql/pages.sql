-- Which pages could an import name, and which campaign stands behind each?
SELECT pages.id, campaigns.reference_name AS name, campaigns.kind, campaigns.status, campaigns.id AS campaign_id
FROM crm.pages
JOIN crm.campaigns ON campaigns.id = pages.campaign_id
ORDER BY campaigns.reference_name, pages.id
