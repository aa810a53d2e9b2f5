-- On which of these campaigns ($2) were these supporters ($1) active, gifts included (but not rolled back)?
SELECT supporter_id, campaign_id
FROM crm.activities
WHERE supporter_id = ANY($1::bigint[]) AND campaign_id = ANY($2::bigint[])
UNION
SELECT supporter_id, campaign_id
FROM crm.transactions
WHERE supporter_id = ANY($1::bigint[]) AND campaign_id = ANY($2::bigint[]) AND removed_at IS NULL
