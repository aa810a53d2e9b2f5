-- Until this session ends, no month is dropped: what goes meanwhile would come back with the fresh tables.
SELECT pg_advisory_lock(:key)
