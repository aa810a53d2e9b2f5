-- Who reacted in this way to any of these broadcasts (none named: any broadcast)? Bounces are hard or soft by reason.
SELECT deliveries.supporter_id
FROM crm.deliveries
JOIN crm.email_events ON email_events.delivery_id = deliveries.id AND email_events.kind = :kind::text
WHERE (:broadcasts::bigint[] = '{}' OR deliveries.campaign_id = ANY(:broadcasts::bigint[]))
  AND (:hard::boolean IS NULL OR coalesce(email_events.reason_code = ANY(:hard_reasons::text[]), false) = :hard::boolean)
