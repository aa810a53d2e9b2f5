-- How many rows are selected in the braces, counting no further than the limit (null: to the end)?
SELECT count(*) FROM (SELECT FROM ({selection}) AS selected LIMIT :most::bigint) AS counted
