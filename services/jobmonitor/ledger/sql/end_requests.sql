-- These messages are not being handled any more. The commit does not wait for the disk, as when they were begun.
WITH hurry AS (SELECT set_config('synchronous_commit', 'off', true))
DELETE FROM ledger.begun_requests
USING hurry
WHERE reader = :reader AND message = ANY (:messages::text[])
