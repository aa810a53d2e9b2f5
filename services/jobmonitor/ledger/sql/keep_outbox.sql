-- Messages that were not confirmed wait for another while; with a refusal where Kafka does not take them as they are.
INSERT INTO ledger.outbox (topics, keys, values, types, created_at, attempts, refusal, send_after)
VALUES (:topics, :keys, :values, :types, :created_at, :attempts, :refusal, now() + :pause::interval)
