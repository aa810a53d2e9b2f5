-- Up to where the live tables are folded.
SELECT topic, partition, next_offset FROM projection.offsets ORDER BY topic, partition
