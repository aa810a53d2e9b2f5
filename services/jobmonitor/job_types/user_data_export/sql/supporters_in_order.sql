-- Which supporters are selected in the braces, in the order of an export?
SELECT id FROM ({selection}) AS selected ORDER BY id
