-- Which of the CRM's tables hold their owner, too, to row-level security?
SELECT oid::regclass::text AS name FROM pg_class
WHERE relnamespace = 'crm'::regnamespace AND relforcerowsecurity
ORDER BY relname
