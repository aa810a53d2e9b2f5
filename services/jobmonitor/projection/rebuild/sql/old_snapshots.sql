-- Transactions that still look at the past and could miss the newest fresh rows; not those that wait for our lock.
SELECT l.virtualtransaction
FROM pg_locks AS l
JOIN pg_stat_activity AS a USING (pid)
WHERE l.locktype = 'virtualxid' AND l.granted AND a.datname = current_database() AND a.usesysid IS NOT NULL
  AND a.backend_xmin IS NOT NULL AND a.pid <> pg_backend_pid()
  AND NOT EXISTS (
      SELECT FROM pg_locks AS w
      WHERE w.pid = a.pid AND NOT w.granted AND w.relation = 'projection.offsets'::regclass
  )
