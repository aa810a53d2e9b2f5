-- Lock these jobs until we commit, as far as they have a Job#, and give it, with its month and whether that was dropped.
SELECT r.job_id, r.number, r.month, d.month IS NOT NULL AS is_dropped
FROM registry.job_numbers AS r
LEFT JOIN registry.dropped_months AS d ON d.month = r.month
WHERE r.job_id = ANY (:job_ids::uuid[])
ORDER BY r.job_id
FOR NO KEY UPDATE OF r
