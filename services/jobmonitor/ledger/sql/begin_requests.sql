-- These messages are being handled now; a row comes back for each that was not under way before.
INSERT INTO ledger.begun_requests (reader, message)
SELECT :reader, message
FROM unnest(:messages::text[]) AS message
ORDER BY message
ON CONFLICT (reader, message) DO NOTHING
RETURNING message
