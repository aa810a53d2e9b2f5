-- This message is tried no more.
UPDATE ledger.suspects
SET put_aside_at = now(), in_a_row = true
WHERE reader = $1 AND message = $2
