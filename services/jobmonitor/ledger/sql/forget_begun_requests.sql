-- What was begun so long ago is known to have ended: it would have come again.
DELETE FROM ledger.begun_requests
WHERE reader = :reader AND begun_at < now() - interval '7 days'
