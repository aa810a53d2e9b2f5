-- By job type, of the chunks that were handed out and are not done: how many may be claimed and are not, and for how long the
-- oldest has been open; how many units were left for later, and since when the first of them was; of how many units something
-- is reserved, and since when. Times in seconds. Those that pause before their next try may not be claimed, nor those of a
-- stopping job that are not done any more.
WITH chunks AS (
    SELECT r.job_type, c.units, c.times_left, c.left_at, c.reserved, c.reserved_at,
           coalesce(c.lease_until, c.dispatched_at) AS open_at,
           coalesce(c.lease_until, '-infinity') < now() AND (
               r.state IN ('queued', 'running')
               OR (r.state = 'stopping' AND (c.assemble_until >= now() OR c.reserved IS NOT NULL))
           ) AS is_open
    FROM ledger.chunks AS c
    JOIN ledger.runs AS r USING (job_id)
    WHERE c.state = 'dispatched'
)
SELECT job_type,
       count(*) FILTER (WHERE is_open) AS unclaimed,
       coalesce(extract(epoch FROM now() - min(open_at) FILTER (WHERE is_open)), 0)::float8 AS oldest_unclaimed_s,
       coalesce(sum(units) FILTER (WHERE times_left > 0), 0)::bigint AS left_units,
       coalesce(extract(epoch FROM now() - min(left_at)), 0)::float8 AS oldest_left_s,
       coalesce(sum(jsonb_array_length(reserved)), 0)::bigint AS reserved_effects,
       coalesce(extract(epoch FROM now() - min(reserved_at) FILTER (WHERE reserved IS NOT NULL)), 0)::float8 AS oldest_reserved_s
FROM chunks
GROUP BY job_type
