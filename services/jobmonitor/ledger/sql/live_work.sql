-- How many pieces of work of a job somebody is running right now; its assembly does not count.
SELECT count(*)
FROM ledger.chunks
WHERE job_id = :job_id AND kind <> 'assemble' AND state = 'dispatched' AND lease_token IS NOT NULL AND lease_until >= now()
