-- Stopping jobs of which no chunk is being run any more (their worker died, or none was under way).
SELECT r.job_id
FROM ledger.runs AS r
WHERE r.state = 'stopping'
  AND NOT EXISTS (
      SELECT FROM ledger.chunks AS c
      WHERE c.job_id = r.job_id AND c.state = 'dispatched' AND c.lease_token IS NOT NULL AND c.lease_until >= now()
  )
LIMIT :limit
FOR NO KEY UPDATE OF r SKIP LOCKED
