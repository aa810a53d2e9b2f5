-- Which rows do broadcasts leave in a supporter's record? One for each somebody reacted to; none for mere delivery.
INSERT INTO crm.activities (
    account_id, supporter_id, email_campaign_id, type, status, data, occurred_at, modified_at, source
)
SELECT deliveries.account_id, deliveries.supporter_id, deliveries.campaign_id, 'EBC', 'R',
       jsonb_build_array(
           CASE WHEN bool_or(events.kind = 'open') THEN 'open' ELSE '' END,
           CASE WHEN bool_or(events.kind = 'click') THEN 'click' ELSE '' END,
           CASE WHEN bool_or(events.kind = 'complete') THEN 'complete' ELSE '' END,
           CASE WHEN bool_or(events.kind = 'unsubscribe') THEN 'unsubscribe' ELSE '' END,
           coalesce(max(events.reason_code), ''),
           CASE WHEN bool_or(events.kind = 'feedback') THEN 'feedback' ELSE '' END
       ),
       min(events.occurred_at), max(events.occurred_at), 'page'
FROM crm.email_events AS events
JOIN crm.deliveries ON deliveries.id = events.delivery_id
WHERE deliveries.account_id = :account::bigint
GROUP BY deliveries.id
ORDER BY deliveries.id
