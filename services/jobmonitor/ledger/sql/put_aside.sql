-- This message is tried no more.
UPDATE ledger.suspects
SET put_aside_at = now(), in_a_row = true
WHERE reader = :reader AND message = :message
