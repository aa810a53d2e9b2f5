-- Drop runs that ended so long ago, or whose result or report expired so long ago, and keep their ids. Locked, so that
-- several reconcilers share the work.
WITH old AS (
    SELECT job_id
    FROM ledger.runs
    WHERE swept AND state IN ('completed', 'completed_with_errors', 'failed', 'cancelled')
      AND (purged OR (result IS NULL AND state <> 'failed')) AND updated_at < now() - :kept::interval
    ORDER BY updated_at
    LIMIT :limit
    FOR UPDATE SKIP LOCKED
), gone AS (
    DELETE FROM ledger.runs AS r USING old WHERE r.job_id = old.job_id RETURNING r.job_id, r.account_id
)
INSERT INTO ledger.taken_up (job_id, account_id)
SELECT job_id, account_id FROM gone
RETURNING job_id
