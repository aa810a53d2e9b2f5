-- The hint was sent again; without a claim it counts as lost after another while. The chunk has been open since it was
-- handed out, or since its lease or pause ended.
UPDATE ledger.chunks
SET dispatched_at = coalesce(lease_until, dispatched_at), lease_until = NULL,
    hints = CASE WHEN lease_until IS NULL THEN hints + 1 ELSE 0 END
WHERE job_id = :job_id AND chunk = :chunk
