-- Take the lock under which one rebuild at a time runs, if nobody holds it; whether that was so.
SELECT pg_try_advisory_lock(:key)
