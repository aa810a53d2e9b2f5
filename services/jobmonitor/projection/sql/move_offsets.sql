-- Move these partitions on, where they are still held under the given epoch. One row for each moved.
UPDATE projection.offsets AS o
SET next_offset = p.next_offset
FROM unnest($1::text[], $2::int[], $3::bigint[], $4::bigint[]) AS p (topic, partition, next_offset, epoch)
WHERE o.topic = p.topic AND o.partition = p.partition AND o.epoch = p.epoch
RETURNING o.topic, o.partition
