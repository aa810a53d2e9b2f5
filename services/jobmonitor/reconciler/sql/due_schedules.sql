-- Schedules with a date that has come by now, or whose clock was set back since they last moved on; locked, so that each is
-- moved on once however many reconcilers look. Those that could not be submitted rest for a pause.
SELECT *
FROM crm.schedules
WHERE NOT paused AND (next_at <= :now::timestamptz OR advanced_at > :now::timestamptz)
  AND (put_off_until IS NULL OR put_off_until NOT BETWEEN :now::timestamptz AND :now::timestamptz + :pause::interval)
ORDER BY next_at
LIMIT :limit
FOR NO KEY UPDATE SKIP LOCKED
