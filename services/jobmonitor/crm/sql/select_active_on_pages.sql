-- Who did anything on any of these pages, gifts included (successful or not, but not rolled back)?
SELECT supporter_id
FROM crm.activities
WHERE campaign_id IN (SELECT campaign_id FROM crm.pages WHERE id = ANY(:pages::bigint[]))
UNION ALL
SELECT supporter_id
FROM crm.transactions
WHERE campaign_id IN (SELECT campaign_id FROM crm.pages WHERE id = ANY(:pages::bigint[]))
  AND supporter_id IS NOT NULL AND removed_at IS NULL
