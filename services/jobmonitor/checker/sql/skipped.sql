-- Messages that were deleted from the log before they were folded.
SELECT topic, partition, first_offset, next_offset FROM registry.skipped_messages
