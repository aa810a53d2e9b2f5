-- A sign of life for many chunks at once: leases that end before $5 from now hold for another $4. A row that somebody
-- holds locked is left for the next time: one chunk's lease never waits for another's.
WITH held AS (
    SELECT c.job_id, c.chunk
    FROM unnest($1::uuid[], $2::int[], $3::uuid[]) AS h (job_id, chunk, token)
    JOIN ledger.chunks AS c ON c.job_id = h.job_id AND c.chunk = h.chunk AND c.lease_token = h.token
    WHERE c.state = 'dispatched' AND c.lease_until < now() + $5::interval
    FOR NO KEY UPDATE OF c SKIP LOCKED
)
UPDATE ledger.chunks AS c
SET lease_until = now() + $4::interval
FROM held
WHERE c.job_id = held.job_id AND c.chunk = held.chunk
