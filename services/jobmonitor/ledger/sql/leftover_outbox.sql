-- Messages whose sender did not get to send them and whose pause is over, the longest waiting first; locked, so that
-- several reconcilers share the work.
SELECT id, topics, keys, values, types, attempts, created_at
FROM ledger.outbox
WHERE send_after < now() - :older_than::interval
ORDER BY send_after, id
LIMIT :limit
FOR UPDATE SKIP LOCKED
