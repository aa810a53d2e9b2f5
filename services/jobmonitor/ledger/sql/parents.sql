-- Whose these jobs are, and how many ancestors of each are known, counted up to :ancestors_max: a job's parent is older than the
-- job, so the way up ends. Of a job whose run is no longer kept only the account is.
WITH RECURSIVE line AS (
    SELECT job_id, account_id, parent_job_id, 0 AS ancestors
    FROM ledger.runs
    WHERE job_id = ANY (:job_ids::uuid[])
    UNION ALL
    SELECT line.job_id, line.account_id, r.parent_job_id, line.ancestors + 1
    FROM line
    JOIN ledger.runs AS r ON r.job_id = line.parent_job_id
    WHERE line.ancestors < :ancestors_max
)
SELECT job_id, account_id, max(ancestors) AS ancestors FROM line GROUP BY job_id, account_id
UNION ALL
SELECT job_id, account_id, 0 FROM ledger.taken_up WHERE job_id = ANY (:job_ids::uuid[])
