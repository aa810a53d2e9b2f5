-- Add this plain progress ({progress}) to the timelines: as add_points, for progress.
INSERT INTO {schema}.job_timeline AS t (job_id, type, slot, event_id, account_id, owner_id, at, sequence, done, total)
SELECT job_id, 'job_progressed', slot, event_id, account_id, owner_id, at, sequence, done, total
FROM {progress} AS s
ORDER BY job_id
ON CONFLICT (job_id, type, slot) DO UPDATE
SET event_id = excluded.event_id, at = excluded.at, sequence = excluded.sequence,
    done = excluded.done, total = excluded.total
WHERE excluded.sequence > t.sequence
   OR (excluded.sequence = t.sequence AND (excluded.at, excluded.event_id) < (t.at, t.event_id))
