-- These messages are not being handled any more.
DELETE FROM ledger.begun_requests
WHERE reader = $1 AND message = ANY ($2::text[])
