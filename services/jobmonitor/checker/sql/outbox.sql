-- The messages not sent yet, a row for all that leave together.
SELECT id, topics, values, created_at, refusal FROM ledger.outbox ORDER BY id
