-- Adds chunks to a job, waiting to be dispatched.
INSERT INTO ledger.chunks (job_id, chunk, kind, units, payload)
SELECT $1, chunk, $2, units, payload
FROM unnest($3::int[], $4::bigint[], $5::jsonb[]) AS planned (chunk, units, payload)
