-- Heartbeat for many chunks at once: leases that end within :due_within from now hold for another :lease. A row that
-- somebody holds locked is left for the next time: one chunk's lease never waits for another's.
WITH held AS (
    SELECT c.job_id, c.chunk
    FROM unnest(:job_ids::uuid[], :chunks::int[], :tokens::uuid[]) AS h (job_id, chunk, token)
    JOIN ledger.chunks AS c ON c.job_id = h.job_id AND c.chunk = h.chunk AND c.lease_token = h.token
    WHERE c.state = 'dispatched' AND c.lease_until < now() + :due_within::interval
    FOR NO KEY UPDATE OF c SKIP LOCKED
)
UPDATE ledger.chunks AS c
SET lease_until = now() + :lease::interval
FROM held
WHERE c.job_id = held.job_id AND c.chunk = held.chunk
