-- How many rows differ in each table, and in which way.
SELECT table_name, count(*) FILTER (WHERE live IS NULL) AS missing, count(*) FILTER (WHERE rebuilt IS NULL) AS surplus,
    count(*) FILTER (WHERE live IS NOT NULL AND rebuilt IS NOT NULL) AS different
FROM pg_temp.differences
GROUP BY table_name
ORDER BY table_name
