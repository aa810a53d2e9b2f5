-- Which broadcasts went out, newest first?
SELECT id, name, sent_at FROM crm.email_campaigns WHERE sent_at IS NOT NULL ORDER BY sent_at DESC, id DESC
