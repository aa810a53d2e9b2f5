-- What is there to say of these activities, those of broadcasts included?
SELECT activities.id, activities.supporter_id, activities.type, activities.status, activities.occurred_at,
       coalesce(activities.campaign_id, activities.email_campaign_id, 0) AS campaign_number,
       coalesce(campaigns.reference_name, email_campaigns.name, '') AS campaign_name,
       activities.data, activities.external_refs, activities.source
FROM crm.activities
LEFT JOIN crm.campaigns ON campaigns.id = activities.campaign_id
LEFT JOIN crm.email_campaigns ON email_campaigns.id = activities.email_campaign_id
WHERE activities.id = ANY(:ids::bigint[])
