-- What was begun so long ago is known to have ended: it would have come again.
DELETE FROM ledger.begun_requests
WHERE reader = $1 AND begun_at < now() - interval '7 days'
