-- What did supporters give, once? Mostly in the account's currency, some refused by the gateway, a few rolled back.
INSERT INTO crm.transactions (
    account_id, supporter_id, campaign_id, type, status, amount, currency, gift_date, occurred_at, payment_type, gateway,
    gateway_txn_id, appeal_code, tracking_id, tax_deductible, advantage_amount, advantage_note, external_refs, source,
    modified_at, removed_at
)
SELECT :account::bigint, given.supporter_id,
       CASE WHEN given.by_cheque THEN NULL ELSE (:campaigns::bigint[])[1 + given.key % cardinality(:campaigns::bigint[])] END,
       'FCS',
       CASE WHEN given.by_cheque THEN 'success'
            WHEN pg_temp.draw(given.key, 65) < 0.06 THEN 'reject'
            WHEN pg_temp.draw(given.key, 65) < 0.07 THEN 'pending' ELSE 'success' END,
       CASE WHEN given.currency = 'JPY' THEN given.amount * 100 ELSE given.amount END,
       given.currency,
       (given.occurred_at AT TIME ZONE :zone::text)::date,
       given.occurred_at,
       CASE WHEN given.by_cheque THEN 'Cheque' ELSE 'Card' END,
       CASE WHEN NOT given.by_cheque THEN 'demo-card' END,
       CASE WHEN NOT given.by_cheque THEN 'ch_' || md5(given.key::text) END,
       pg_temp.pick('{SPRING,AUTUMN,"",MAIL-24}', pg_temp.draw(given.key, 66)),
       CASE WHEN pg_temp.draw(given.key, 67) < 0.3 THEN 'utm-' || given.key % 97 END,
       true,
       CASE WHEN pg_temp.draw(given.key, 68) < 0.02 THEN 3 ELSE 0 END,
       CASE WHEN pg_temp.draw(given.key, 68) < 0.02 THEN 'Tea towel, "river" design' END,
       CASE WHEN pg_temp.draw(given.key, 69) < 0.25 THEN jsonb_build_array('fund-' || given.key % 9, 'in memory') ELSE '[]' END,
       CASE WHEN given.by_cheque THEN 'import' ELSE 'page' END,
       given.occurred_at,
       CASE WHEN given.by_cheque AND pg_temp.draw(given.key, 70) < 0.03 THEN given.occurred_at + interval '1 day' END
FROM (
    SELECT supporters.id AS supporter_id, key,
           pg_temp.draw(key, 61) < 0.12 AS by_cheque,
           ('{5,10,10,20,20,25,30,50,50,75,100,150,250,500,1000}'::numeric[])[1 + floor(pg_temp.draw(key, 62) ^ 1.5 * 15)::int]
               AS amount,
           CASE WHEN pg_temp.draw(key, 63) < 0.02 THEN 'EUR' WHEN pg_temp.draw(key, 63) < 0.025 THEN 'JPY'
                ELSE :currency::text END AS currency,
           created_at + (modified_at - created_at) * pg_temp.draw(key, 64) AS occurred_at
    FROM crm.supporters
    CROSS JOIN LATERAL generate_series(
        1, least(20, floor(-ln(1 - pg_temp.draw(supporters.id, 60)) * :mean::float8)::int)
    ) AS number
    CROSS JOIN LATERAL (SELECT supporters.id * 64 + number) AS numbered (key)
    WHERE supporters.account_id = :account::bigint
) AS given
