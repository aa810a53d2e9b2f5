-- Kafka has confirmed these.
DELETE FROM ledger.outbox
WHERE id = ANY ($1::bigint[])
