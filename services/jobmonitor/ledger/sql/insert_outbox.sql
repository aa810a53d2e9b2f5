-- All messages that leave with this transaction, in this order.
INSERT INTO ledger.outbox (topics, keys, values, types)
VALUES ($1, $2, $3, $4)
RETURNING id
