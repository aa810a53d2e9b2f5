-- Who supports the account? Joined over eight years, one in a hundred without an e-mail address. All a supporter does
-- will lie between created_at and modified_at.
INSERT INTO crm.supporters (id, account_id, email, created_at, modified_at)
SELECT id, :account::bigint,
       CASE WHEN pg_temp.draw(id, 10) < 0.01 THEN md5(id::text) || '@noaddress.ea'
            ELSE pg_temp.pick(:first_handles::text[], pg_temp.draw(id, 20)) || '.'
              || pg_temp.pick(:last_handles::text[], pg_temp.draw(id, 21)) || '.' || id || '@'
              || pg_temp.pick('{example.com,example.org,example.net,mail.example}', pg_temp.draw(id, 11))
       END,
       created_at,
       created_at + (:as_of::timestamptz - created_at) * (1 - pg_temp.draw(id, 13) ^ 3)
FROM generate_series(:first_id::bigint, :last_id::bigint) AS id
CROSS JOIN LATERAL (SELECT :as_of::timestamptz - interval '8 years' * pg_temp.draw(id, 12)) AS joined (created_at)
