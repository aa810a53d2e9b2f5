-- Gives a chunk back after an attempt that failed; it may be claimed again when the pause is over. An outage is no
-- try, even when it is reported after somebody else claimed the chunk.
UPDATE ledger.chunks
SET lease_token = CASE WHEN lease_token = :token THEN NULL ELSE lease_token END,
    lease_until = CASE WHEN lease_token = :token THEN now() + :retry_in::interval ELSE lease_until END,
    last_error = CASE WHEN lease_token = :token THEN :error ELSE last_error END,
    uncounted = uncounted + :outage::boolean::int,
    outage_since = CASE WHEN :outage::boolean THEN coalesce(outage_since, now()) END
WHERE job_id = :job_id AND chunk = :chunk AND state = 'dispatched' AND lease_token IS NOT NULL AND (lease_token = :token OR :outage::boolean)
RETURNING attempt
