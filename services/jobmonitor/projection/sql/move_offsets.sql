-- Move these partitions on, where they are still held under the given epoch. One row for each moved.
--
-- A claim that still moves a partition after ten seconds counts as good. Moving alone proves nothing: a process that ends
-- again and again may get a little further each time.
UPDATE {schema}.offsets AS o
SET next_offset = p.next_offset,
    claims = CASE WHEN o.claimed_at < now() - interval '10 seconds' THEN 0 ELSE o.claims END
FROM unnest(:topics::text[], :partitions::int[], :offsets::bigint[], :epochs::bigint[]) AS p (topic, partition, next_offset, epoch)
WHERE o.topic = p.topic AND o.partition = p.partition AND o.epoch = p.epoch
RETURNING o.topic, o.partition
