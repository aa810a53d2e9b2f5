-- Which uploads, at most $2, are older than $1 and needed by no job any more?
SELECT id, account_id FROM crm.uploads
WHERE created_at < now() - $1::interval
  AND NOT EXISTS (
    SELECT FROM ledger.runs
    WHERE runs.parameters ? 'upload' AND runs.parameters ->> 'upload' = uploads.id::text
      AND runs.state IN ('scheduled', 'queued', 'running', 'stopping')
  )
ORDER BY created_at
LIMIT $2
