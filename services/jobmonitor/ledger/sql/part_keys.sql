-- A job's parts in plan order.
SELECT part_key
FROM ledger.chunks
WHERE job_id = :job_id AND part_key IS NOT NULL
ORDER BY chunk
