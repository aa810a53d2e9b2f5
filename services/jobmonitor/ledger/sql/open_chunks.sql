-- Chunks that were handed out and that nobody runs: the lease or the pause before the next try is over, or the hint got
-- lost before anybody claimed it, or waits behind others; then pauses grow from :unclaimed_after to 16 times as long
-- (hints went out :unclaimed_after times 1, 3, 7, 15, 31, 47 and so on after the chunk was open). Of a stopping job only
-- its assembly, and what was reserved and has to be settled. Locked, so that several reconcilers share the work.
SELECT c.job_id, c.chunk, c.kind, c.attempt, c.hints, r.account_id, r.job_type
FROM ledger.chunks AS c
JOIN ledger.runs AS r USING (job_id)
WHERE c.state = 'dispatched'
  AND (r.state IN ('queued', 'running') OR (r.state = 'stopping' AND (c.assemble_until >= now() OR c.reserved IS NOT NULL)))
  AND coalesce(c.lease_until, '-infinity') < now()
  AND (
      c.lease_until IS NOT NULL
      OR c.dispatched_at < now() - :unclaimed_after::interval
         * (power(2, least(c.hints, 4) + 1) - 1 + 16 * greatest(c.hints - 4, 0))
  )
ORDER BY c.dispatched_at
LIMIT :limit
FOR NO KEY UPDATE OF c SKIP LOCKED
