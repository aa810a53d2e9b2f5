-- These messages are not being handled any more.
DELETE FROM ledger.begun_requests
WHERE reader = :reader AND message = ANY (:messages::text[])
