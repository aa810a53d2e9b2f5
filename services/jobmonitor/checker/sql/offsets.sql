-- Up to where the log is folded into the views.
SELECT topic, partition, next_offset FROM projection.offsets
