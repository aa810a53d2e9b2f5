-- Which of these leases still hold, the states of their jobs, and whether an assembly has taken too long after a stop.
SELECT c.lease_token AS token, r.state, coalesce(c.assemble_until < now(), false) AS is_over
FROM unnest(:job_ids::uuid[], :chunks::int[], :tokens::uuid[]) AS h (job_id, chunk, token)
JOIN ledger.chunks AS c ON c.job_id = h.job_id AND c.chunk = h.chunk AND c.lease_token = h.token
JOIN ledger.runs AS r ON r.job_id = h.job_id
WHERE c.state = 'dispatched'
