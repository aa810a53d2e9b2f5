-- Which row of this job named each of these supporters first?
SELECT entity_id AS supporter_id, min(row_no) AS row_no
FROM crm.import_rows
WHERE job_id = :job_id AND entity_id = ANY(:supporters::bigint[])
GROUP BY entity_id
