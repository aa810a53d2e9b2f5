-- How did people react to what they got? Who clicked has opened; who bounced did neither.
INSERT INTO crm.email_events (account_id, delivery_id, kind, reason_code, occurred_at)
SELECT deliveries.account_id, deliveries.id, possible.kind,
       CASE WHEN possible.kind = 'bounce' THEN pg_temp.pick(
           '{bad-mailbox,bad-domain,inactive-mailbox,quota-issues,quota-issues,no-answer-from-host,policy-related}',
           pg_temp.draw(deliveries.id, 85)) END,
       deliveries.sent_at + possible.after * (1 + pg_temp.draw(deliveries.id, 86))
FROM crm.deliveries
CROSS JOIN LATERAL (SELECT pg_temp.draw(deliveries.id, 84)) AS drawn (number)
JOIN (
    VALUES
        ('bounce', 0.97, 1.0, interval '2 minutes'),
        ('open', 0.0, 0.42, interval '3 hours'),
        ('click', 0.0, 0.12, interval '4 hours'),
        ('complete', 0.0, 0.04, interval '5 hours'),
        ('unsubscribe', 0.41, 0.42, interval '6 hours'),
        ('feedback', 0.408, 0.41, interval '7 hours')
) AS possible (kind, above, below, after) ON drawn.number >= possible.above AND drawn.number < possible.below
WHERE deliveries.account_id = :account::bigint AND deliveries.status = 'sent'
ORDER BY deliveries.id, possible.after
