-- How many rows of this job had each outcome?
SELECT outcome, count(*) AS rows FROM crm.import_rows WHERE job_id = :job_id GROUP BY outcome ORDER BY outcome
