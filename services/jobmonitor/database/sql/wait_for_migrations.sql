-- Wait for the lock under which one process at a time migrates; it is held until the connection closes.
SELECT pg_advisory_lock(:key)
