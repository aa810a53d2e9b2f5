-- These messages are being handled now; a row comes back for each that was not under way before. The commit does not wait
-- for the disk: this outlives a worker that is killed, and after a crash of the database nobody has to know it.
WITH hurry AS (SELECT set_config('synchronous_commit', 'off', true))
INSERT INTO ledger.begun_requests (reader, message)
SELECT :reader, message
FROM hurry, unnest(:messages::text[]) AS message
ORDER BY message
ON CONFLICT (reader, message) DO NOTHING
RETURNING message
