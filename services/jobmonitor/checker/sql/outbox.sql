-- The messages not sent yet, a row for all that leave together.
SELECT topics, values FROM ledger.outbox ORDER BY id
