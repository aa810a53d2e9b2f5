-- Which page of the account has this name?
SELECT pages.id
FROM crm.pages
JOIN crm.campaigns ON campaigns.id = pages.campaign_id
WHERE pages.account_id = :account AND campaigns.reference_name = :name
