-- What became of the rows of imports. Within a month their key lets none have two outcomes; more rows than units would show.
SELECT job_id, outcome, count(*) AS units, 0::bigint AS doubled FROM crm.import_rows GROUP BY job_id, outcome
