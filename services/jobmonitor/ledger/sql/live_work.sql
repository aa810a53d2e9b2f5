-- How many pieces of work of a job somebody is running right now, or has reserved something for that is not settled; its
-- assembly does not count.
SELECT count(*)
FROM ledger.chunks
WHERE job_id = :job_id AND kind <> 'assemble' AND state = 'dispatched'
  AND (reserved IS NOT NULL OR (lease_token IS NOT NULL AND lease_until >= now()))
