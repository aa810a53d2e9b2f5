-- Which gifts went back? Half through the gateway, half only marked so.
INSERT INTO crm.transactions (
    account_id, supporter_id, campaign_id, type, status, amount, currency, gift_date, occurred_at, payment_type, gateway,
    gateway_txn_id, refund_of, refund_kind, modified_at
)
SELECT account_id, supporter_id, campaign_id, 'PRFD', 'refund', -amount, currency, gift_date + 3,
       occurred_at + interval '3 days', payment_type, gateway, gateway_txn_id, id,
       CASE WHEN id % 2 = 0 THEN 'gateway' ELSE 'marked' END, occurred_at + interval '3 days'
FROM crm.transactions
WHERE account_id = :account::bigint AND type = 'FCS' AND status = 'success' AND removed_at IS NULL
  AND occurred_at < :as_of::timestamptz - interval '4 days' AND pg_temp.draw(id, 75) < 0.015
ORDER BY id
