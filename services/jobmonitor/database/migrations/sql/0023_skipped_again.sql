-- Messages that were deleted unread may be told of again, with more of them: that changes the row.
GRANT UPDATE ON registry.skipped_messages TO jobmonitor_projection;
