-- Add this plain progress ({progress}) to the timelines: as add_points, for progress. Where its jobs have one month, that is
-- given; else it is looked up, as they are all in the monitor, which takes longer.
INSERT INTO {schema}.job_timeline AS t (job_id, type, slot, event_id, account_id, owner_id, at, sequence, done, total, month)
SELECT s.job_id, 'job_progressed', slot, event_id, s.account_id, s.owner_id, at, s.sequence, s.done, s.total,
    coalesce(:month::date, (SELECT j.month FROM {schema}.job_monitor AS j WHERE j.job_id = s.job_id))
FROM {progress} AS s
ORDER BY s.job_id
ON CONFLICT (job_id, type, slot, month) DO UPDATE
SET event_id = excluded.event_id, at = excluded.at, sequence = excluded.sequence,
    done = excluded.done, total = excluded.total
WHERE excluded.sequence > t.sequence
   OR (excluded.sequence = t.sequence AND (excluded.at, excluded.event_id) < (t.at, t.event_id))
