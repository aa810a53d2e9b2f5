-- Who gives every month?
INSERT INTO crm.recurring_plans (account_id, supporter_id, amount, currency, frequency, status, next_on)
SELECT account_id, id, ('{5,10,15,20,30}'::numeric[])[1 + floor(pg_temp.draw(id, 72) * 5)::int], :currency::text, 'monthly',
       pg_temp.pick('{active,active,active,paused,suspended,canceled}', pg_temp.draw(id, 73)),
       (:as_of::timestamptz + interval '15 days')::date
FROM crm.supporters
WHERE account_id = :account::bigint AND pg_temp.draw(id, 71) < 0.02
ORDER BY id
