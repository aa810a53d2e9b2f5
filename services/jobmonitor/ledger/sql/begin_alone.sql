-- This message is being handled now, apart from all others; how often it was, this time included, and never ended.
INSERT INTO ledger.begun_requests AS b (reader, message, alone)
VALUES (:reader, :message, 1)
ON CONFLICT (reader, message) DO UPDATE
SET alone = b.alone + 1, begun_at = now()
RETURNING b.alone
