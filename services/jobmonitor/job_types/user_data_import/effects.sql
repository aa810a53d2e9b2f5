-- What became of the rows of imports. Its key lets no row have two outcomes.
SELECT job_id, outcome, count(*) AS units, 0::bigint AS doubled FROM crm.import_rows GROUP BY job_id, outcome
