-- Which of these broadcasts began more than a year ago?
SELECT id FROM crm.email_campaigns WHERE id = ANY(:broadcasts::bigint[]) AND sent_at < now() - interval '1 year' ORDER BY id
