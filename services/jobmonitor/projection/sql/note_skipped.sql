-- Messages of this partition, from the one offset to before the other, were deleted before they were folded.
INSERT INTO registry.skipped_messages (topic, partition, first_offset, next_offset)
VALUES (:topic, :partition, :first_offset, :next_offset)
ON CONFLICT (topic, partition, first_offset) DO UPDATE SET next_offset = excluded.next_offset, at = excluded.at
