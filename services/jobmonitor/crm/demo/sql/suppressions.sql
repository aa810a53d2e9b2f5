-- Which addresses are no longer mailed: those that bounced for good, and those that called it spam?
INSERT INTO crm.suppressions (account_id, address, cause, since)
SELECT deliveries.account_id, deliveries.address, min(CASE WHEN events.kind = 'feedback' THEN 'spam' ELSE 'hard' END),
       min(events.occurred_at)
FROM crm.email_events AS events
JOIN crm.deliveries ON deliveries.id = events.delivery_id
WHERE deliveries.account_id = :account::bigint
  AND (events.kind = 'feedback' OR events.reason_code IN ('bad-mailbox', 'bad-domain', 'inactive-mailbox'))
GROUP BY deliveries.account_id, deliveries.address
