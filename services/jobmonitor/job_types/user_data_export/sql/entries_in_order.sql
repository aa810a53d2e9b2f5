-- Which activities and gifts are selected in the braces, in the order of an export?
SELECT kind, id FROM ({selection}) AS selected ORDER BY supporter_id, occurred_at, kind, id
