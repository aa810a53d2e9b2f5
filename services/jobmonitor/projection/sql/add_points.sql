-- Add these points ({points}) to the timelines. Which of two is kept: TimelinePoint.supersedes.
INSERT INTO {schema}.job_timeline AS t (job_id, type, slot, event_id, account_id, owner_id, at, sequence, done, total, data, month)
SELECT s.job_id, type, slot, event_id, account_id, owner_id, at, sequence, done, total, data, r.month
FROM {points} AS s
JOIN registry.job_numbers AS r ON r.job_id = s.job_id
ORDER BY s.job_id
ON CONFLICT (job_id, type, slot, month) DO UPDATE
SET event_id = excluded.event_id, at = excluded.at, sequence = excluded.sequence,
    done = excluded.done, total = excluded.total, data = excluded.data
WHERE coalesce(excluded.sequence, -1) > coalesce(t.sequence, -1)
   OR (excluded.sequence IS NOT DISTINCT FROM t.sequence AND (excluded.at, excluded.event_id) < (t.at, t.event_id))
