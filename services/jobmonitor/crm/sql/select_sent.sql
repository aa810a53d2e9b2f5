-- To whom did any of these broadcasts (none named: any broadcast) go in the last year?
SELECT supporter_id
FROM crm.deliveries
WHERE status = 'sent' AND sent_at >= now() - interval '1 year'
  AND (:broadcasts::bigint[] = '{}' OR campaign_id = ANY(:broadcasts::bigint[]))
