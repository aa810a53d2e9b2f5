-- Accept jobs, a JSON array of whole runs; a row comes back for each that was not known. In one order, so that two workers
-- that consumed the same requests wait for each other instead of blocking each other. Who ended at once had no parts.
INSERT INTO ledger.runs ({columns}, expires_at, swept)
SELECT {columns}, (result ->> 'expires_at')::timestamptz,
       state IN ('completed', 'completed_with_errors', 'failed', 'cancelled')
FROM json_populate_recordset(NULL::ledger.runs, :runs::json)
ORDER BY job_id
ON CONFLICT (job_id) DO NOTHING
RETURNING job_id
