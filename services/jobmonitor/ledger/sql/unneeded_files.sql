-- Which of these files no job needs: those of jobs nobody knows, and of ended ones all but their result.
SELECT f.key
FROM unnest(:keys::text[], :job_ids::uuid[]) AS f (key, job_id)
LEFT JOIN ledger.runs AS r USING (job_id)
WHERE r.job_id IS NULL
   OR (
       r.state IN ('completed', 'completed_with_errors', 'failed', 'cancelled')
       AND f.key IS DISTINCT FROM format('results/%s/%s/%s', r.account_id, r.job_id, r.result ->> 'name')
   )
