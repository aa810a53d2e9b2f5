-- What the log no longer has cannot be folded: begin with the first message there is.
UPDATE projection_rebuild.offsets AS o
SET next_offset = b.next_offset
FROM unnest($1::text[], $2::int[], $3::bigint[]) AS b (topic, partition, next_offset)
WHERE o.topic = b.topic AND o.partition = b.partition
