-- To whom did the broadcasts go? To supporters of that time with an address; a few never reached the mail server.
INSERT INTO crm.deliveries (account_id, campaign_id, supporter_id, address, status, reason, message_id, sent_at)
SELECT supporters.account_id, broadcasts.id, supporters.id, supporters.email::text,
       CASE WHEN chance.failed THEN 'failed' ELSE 'sent' END,
       CASE WHEN chance.failed THEN 'smtp_550' END,
       CASE WHEN NOT chance.failed THEN md5(broadcasts.id || ':' || supporters.id) || '@mail.example' END,
       CASE WHEN NOT chance.failed THEN broadcasts.sent_at + interval '1 hour' * pg_temp.draw(supporters.id, 82) END
FROM crm.email_campaigns AS broadcasts
JOIN crm.supporters ON supporters.account_id = broadcasts.account_id
    AND supporters.created_at < broadcasts.sent_at
    AND supporters.modified_at > broadcasts.sent_at + interval '4 days'
    AND supporters.email::text NOT LIKE '%@noaddress.ea'
CROSS JOIN LATERAL (SELECT pg_temp.draw(supporters.id * 64 + broadcasts.id, 81) < 0.02) AS chance (failed)
WHERE supporters.account_id = :account::bigint AND pg_temp.draw(supporters.id * 64 + broadcasts.id, 80) < :share::float8
ORDER BY broadcasts.id, supporters.id
