-- Which jobs of this plain progress ({progress}) were not moved on in this transaction: elsewhere, not as old as they
-- say, or of somebody else. They are to be folded one by one.
SELECT job_id
FROM {progress} AS p
WHERE newest AND NOT EXISTS (
    SELECT FROM {schema}.job_monitor AS j
    WHERE j.job_id = p.job_id AND j.xmin = pg_current_xact_id()::xid
)
