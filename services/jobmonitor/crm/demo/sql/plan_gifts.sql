-- What came in on these plans? One gift a month, at most twelve, before the supporter's record last changed.
INSERT INTO crm.transactions (
    account_id, supporter_id, campaign_id, plan_id, type, status, amount, currency, gift_date, occurred_at, payment_type,
    gateway, gateway_txn_id, modified_at
)
SELECT plans.account_id, plans.supporter_id, (:campaigns::bigint[])[1], plans.id, 'FCR', 'success', plans.amount,
       plans.currency, (paid.at AT TIME ZONE :zone::text)::date, paid.at, 'Card', 'demo-card',
       'sub_' || plans.id || '_' || extract(epoch FROM paid.at)::bigint, paid.at
FROM crm.recurring_plans AS plans
JOIN crm.supporters ON supporters.id = plans.supporter_id
CROSS JOIN LATERAL (
    SELECT at FROM generate_series(supporters.created_at, supporters.modified_at, interval '1 month') AS at
    ORDER BY at DESC
    LIMIT 12
) AS paid
WHERE plans.account_id = :account::bigint
ORDER BY plans.id, paid.at
