-- Messages that were not confirmed wait for another while; with a refusal where Kafka does not take them as they are.
INSERT INTO ledger.outbox (topics, keys, values, types, created_at, attempts, refusal, send_after)
VALUES ($1, $2, $3, $4, $5, $6, $7, now() + $8::interval)
