-- Which activities (a) and gifts (t, not those rolled back) belong to the supporters selected in the braces?
SELECT supporter_id, occurred_at, 'a' AS kind, id FROM crm.activities WHERE supporter_id IN ({supporters})
UNION ALL
SELECT supporter_id, occurred_at, 't' AS kind, id
FROM crm.transactions
WHERE supporter_id IN ({supporters}) AND removed_at IS NULL
