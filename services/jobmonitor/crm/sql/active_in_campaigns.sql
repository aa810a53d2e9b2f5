-- On which of these campaigns were these supporters active, gifts included (but not rolled back)?
SELECT supporter_id, campaign_id
FROM crm.activities
WHERE supporter_id = ANY(:supporters::bigint[]) AND campaign_id = ANY(:campaigns::bigint[])
UNION
SELECT supporter_id, campaign_id
FROM crm.transactions
WHERE supporter_id = ANY(:supporters::bigint[]) AND campaign_id = ANY(:campaigns::bigint[]) AND removed_at IS NULL
