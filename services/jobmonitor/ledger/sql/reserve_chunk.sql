-- Keeps what is to be done outside for a chunk, and gives its job's state; no row where its lease was lost or something is
-- reserved already. The share lock makes a stop and a reservation come one after the other.
WITH run AS (
    SELECT job_id, state
    FROM ledger.runs
    WHERE job_id = :job_id AND state IN ('running', 'stopping')
    FOR SHARE
)
UPDATE ledger.chunks AS c
SET reserved = :reserved, reserved_at = now()
FROM run
WHERE c.job_id = run.job_id AND c.chunk = :chunk AND c.lease_token = :token AND c.state = 'dispatched' AND c.reserved IS NULL
RETURNING run.state
