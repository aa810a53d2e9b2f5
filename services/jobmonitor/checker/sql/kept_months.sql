-- The months that are kept, of jobs and of row outcomes.
SELECT 'jobs' AS what, month FROM registry.months_of('projection.job_timeline')
UNION
SELECT 'jobs', month FROM registry.months_of('projection.job_history')
UNION ALL
SELECT 'row outcomes', month FROM registry.months_of('crm.import_rows')
