-- These claims, as far as they are still held, end well: one that lasted clears those before it, any other only itself.
UPDATE {schema}.offsets AS o
SET claims = CASE WHEN o.claimed_at < now() - interval '10 seconds' THEN 0 ELSE o.claims - 1 END
FROM unnest(:topics::text[], :partitions::int[], :epochs::bigint[]) AS p (topic, partition, epoch)
WHERE o.topic = p.topic AND o.partition = p.partition AND o.epoch = p.epoch AND o.claims > 0
