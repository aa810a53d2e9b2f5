-- Stopping jobs of which nobody runs a piece of work any more (their worker died, or none was under way), of which nothing
-- reserved is to be settled, and whose assembly was not handed out, or has taken too long.
SELECT r.job_id
FROM ledger.runs AS r
WHERE r.state = 'stopping'
  AND NOT EXISTS (
      SELECT FROM ledger.chunks AS c
      WHERE c.job_id = r.job_id AND c.state = 'dispatched'
        AND (c.assemble_until >= now() OR c.reserved IS NOT NULL OR (c.lease_token IS NOT NULL AND c.lease_until >= now()))
  )
LIMIT :limit
FOR NO KEY UPDATE OF r SKIP LOCKED
