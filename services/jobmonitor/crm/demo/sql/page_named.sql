-- Which page of the account ($1) has this name ($2)?
SELECT pages.id
FROM crm.pages
JOIN crm.campaigns ON campaigns.id = pages.campaign_id
WHERE pages.account_id = $1 AND campaigns.reference_name = $2
