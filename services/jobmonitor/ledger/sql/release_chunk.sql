-- Gives a chunk back after an attempt that failed; it may be claimed again when the pause is over. An outage ($6) is no
-- try, even when it is told after somebody else claimed the chunk.
UPDATE ledger.chunks
SET lease_token = CASE WHEN lease_token = $3 THEN NULL ELSE lease_token END,
    lease_until = CASE WHEN lease_token = $3 THEN now() + $4::interval ELSE lease_until END,
    last_error = CASE WHEN lease_token = $3 THEN $5 ELSE last_error END,
    uncounted = uncounted + $6::boolean::int,
    outage_since = CASE WHEN $6::boolean THEN coalesce(outage_since, now()) END
WHERE job_id = $1 AND chunk = $2 AND state = 'dispatched' AND lease_token IS NOT NULL AND (lease_token = $3 OR $6::boolean)
RETURNING attempt
