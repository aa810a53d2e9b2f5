-- Which row of this job ($1) named each of these supporters ($2) first?
SELECT entity_id AS supporter_id, min(row_no) AS row_no
FROM crm.import_rows
WHERE job_id = $1 AND entity_id = ANY($2::bigint[])
GROUP BY entity_id
