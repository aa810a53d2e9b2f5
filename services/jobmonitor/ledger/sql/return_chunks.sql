-- Gives chunks back that were not tried to their ends, as their worker is about to crash for another's fault: that is no
-- try. One that somebody holds locked may be about to commit, and is left.
WITH held AS (
    SELECT c.job_id, c.chunk
    FROM unnest(:job_ids::uuid[], :chunks::int[], :tokens::uuid[]) AS h (job_id, chunk, token)
    JOIN ledger.chunks AS c ON c.job_id = h.job_id AND c.chunk = h.chunk AND c.lease_token = h.token
    WHERE c.state = 'dispatched'
    FOR NO KEY UPDATE OF c SKIP LOCKED
)
UPDATE ledger.chunks AS c
SET lease_token = NULL, lease_until = now(), uncounted = c.uncounted + 1
FROM held
WHERE c.job_id = held.job_id AND c.chunk = held.chunk
