-- The chunks the ledger still keeps, counted for each job; see checker.snapshot.Chunks.
SELECT job_id,
       count(*) FILTER (WHERE kind = 'work' AND state = 'done') AS done,
       coalesce(sum(units) FILTER (WHERE kind = 'work' AND state = 'done'), 0)::bigint AS units_done,
       coalesce(sum(units) FILTER (WHERE kind = 'work'), 0)::bigint AS units,
       count(*) FILTER (WHERE state = 'dispatched' AND lease_token IS NOT NULL AND lease_until >= now()) AS leased,
       coalesce(sum(jsonb_array_length(reserved)), 0)::bigint AS reserved,
       max(coalesce(reserved_at, dispatched_at)) FILTER (WHERE state <> 'waiting' AND kind <> 'assemble') AS last_dispatched_at
FROM ledger.chunks
GROUP BY job_id
