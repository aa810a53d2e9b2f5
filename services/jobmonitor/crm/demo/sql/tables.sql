-- Which tables does the CRM have?
SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables WHERE schemaname = 'crm' ORDER BY 1
