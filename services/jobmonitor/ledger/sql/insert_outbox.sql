-- All messages that leave with this transaction, in this order.
INSERT INTO ledger.outbox (topics, keys, values, types)
VALUES (:topics, :keys, :values, :types)
RETURNING id
