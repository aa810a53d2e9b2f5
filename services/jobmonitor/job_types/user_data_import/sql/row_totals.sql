-- How many rows of this job ($1) had each outcome?
SELECT outcome, count(*) AS rows FROM crm.import_rows WHERE job_id = $1 GROUP BY outcome ORDER BY outcome
