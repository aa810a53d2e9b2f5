-- Take these partitions over: whoever held them before can no longer write. Gives where to go on.
INSERT INTO projection.offsets AS o (topic, partition, next_offset, epoch)
SELECT p.topic, p.partition, 0, 1
FROM unnest($1::text[], $2::int[]) AS p (topic, partition)
ORDER BY p.topic, p.partition
ON CONFLICT (topic, partition) DO UPDATE SET epoch = o.epoch + 1
RETURNING topic, partition, next_offset, epoch
