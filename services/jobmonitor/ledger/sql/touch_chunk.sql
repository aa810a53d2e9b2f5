-- The hint was sent again; without a claim it counts as lost after another while.
UPDATE ledger.chunks
SET dispatched_at = now(), lease_until = NULL, hints = CASE WHEN lease_until IS NULL THEN hints + 1 ELSE 0 END
WHERE job_id = :job_id AND chunk = :chunk
