-- Take these partitions over: whoever held them before can no longer write. Gives where to go on, and what is known of
-- the claims before that did not end well.
INSERT INTO {schema}.offsets AS o (topic, partition, next_offset, epoch, claims)
SELECT p.topic, p.partition, 0, 1, 1
FROM unnest(:topics::text[], :partitions::int[]) AS p (topic, partition)
ORDER BY p.topic, p.partition
ON CONFLICT (topic, partition) DO UPDATE SET epoch = o.epoch + 1, claims = o.claims + 1, claimed_at = now()
RETURNING topic, partition, next_offset, epoch, claims, tried_from, tried_until, tries, alone_until
