-- Messages that leave with this transaction, in this order.
INSERT INTO ledger.outbox (topic, key, value)
SELECT topic, key, value
FROM unnest($1::text[], $2::bytea[], $3::bytea[]) WITH ORDINALITY AS message (topic, key, value, place)
ORDER BY place
RETURNING id
