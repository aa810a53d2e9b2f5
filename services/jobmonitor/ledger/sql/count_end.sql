-- Counts that a message ended its process once more.
INSERT INTO ledger.suspects AS s (reader, message, last_error)
VALUES (:reader, :message, :error)
ON CONFLICT (reader, message) DO UPDATE
SET ends = s.ends + 1, last_error = excluded.last_error, last_at = now()
RETURNING s.ends, s.put_aside_at IS NOT NULL AS is_put_aside,
    (SELECT count(*) FROM ledger.suspects AS o WHERE o.reader = :reader AND o.in_a_row)::int AS put_aside_in_a_row
