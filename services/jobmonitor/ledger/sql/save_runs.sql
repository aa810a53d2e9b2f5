-- Writes back what may have changed of locked runs, a JSON array of whole runs.
UPDATE ledger.runs AS r
SET {changes}, expires_at = (n.result ->> 'expires_at')::timestamptz, updated_at = now()
FROM json_populate_recordset(NULL::ledger.runs, :runs::json) AS n
WHERE r.job_id = n.job_id
