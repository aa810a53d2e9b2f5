-- The fresh tables stand where the live ones do, under the epochs of those who fold now: they go on without noticing.
UPDATE projection_rebuild.offsets AS fresh
SET next_offset = live.next_offset, epoch = live.epoch
FROM projection.offsets AS live
WHERE (live.topic, live.partition) = (fresh.topic, fresh.partition)
