-- The hint was sent again; without a claim it is lost again only after the same while.
UPDATE ledger.chunks
SET dispatched_at = now(), lease_until = NULL
WHERE job_id = $1 AND chunk = $2
