-- Add these points ({points}) to the timelines. Which of two is kept: TimelinePoint.supersedes.
INSERT INTO {schema}.job_timeline AS t (job_id, type, slot, event_id, account_id, owner_id, at, sequence, done, total, data)
SELECT job_id, type, slot, event_id, account_id, owner_id, at, sequence, done, total, data
FROM {points} AS s
ORDER BY job_id
ON CONFLICT (job_id, type, slot) DO UPDATE
SET event_id = excluded.event_id, at = excluded.at, sequence = excluded.sequence,
    done = excluded.done, total = excluded.total, data = excluded.data
WHERE coalesce(excluded.sequence, -1) > coalesce(t.sequence, -1)
   OR (excluded.sequence IS NOT DISTINCT FROM t.sequence AND (excluded.at, excluded.event_id) < (t.at, t.event_id))
