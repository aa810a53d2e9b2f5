-- How many chunks of a job somebody is running right now.
SELECT count(*)
FROM ledger.chunks
WHERE job_id = :job_id AND state = 'dispatched' AND lease_token IS NOT NULL AND lease_until >= now()
