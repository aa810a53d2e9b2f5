-- A message that cannot be sent gets a row of its own, which waits longer and longer and is seen, and holds up no other.
ALTER TABLE ledger.outbox
    ADD COLUMN created_at timestamptz NOT NULL DEFAULT now(),
    -- how often the reconciler tried to send it in vain
    ADD COLUMN attempts int NOT NULL DEFAULT 0,
    -- why Kafka does not take it; null where it only did not confirm
    ADD COLUMN refusal text;
CREATE INDEX outbox_due ON ledger.outbox (send_after, id);
