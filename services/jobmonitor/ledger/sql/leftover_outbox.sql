-- Messages whose sender did not get to send them, oldest first; locked, so that several reconcilers share the work.
SELECT id, topics, keys, values, types
FROM ledger.outbox
WHERE send_after < now() - $1::interval
ORDER BY id
LIMIT $2
FOR UPDATE SKIP LOCKED
