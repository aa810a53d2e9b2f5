-- The Job#s and months of these jobs; another process that sees one of them for the first time too waits until we commit.
SELECT job_id, number, month FROM registry.job_numbers WHERE job_id = ANY ($1::uuid[]) ORDER BY job_id FOR NO KEY UPDATE
