-- How many bytes of results each of these accounts keeps; accounts without any are left out.
SELECT account_id, sum((result ->> 'size_bytes')::bigint)::bigint AS size_bytes
FROM ledger.runs
WHERE account_id = ANY (:account_ids::bigint[]) AND result IS NOT NULL AND NOT expired
GROUP BY account_id
