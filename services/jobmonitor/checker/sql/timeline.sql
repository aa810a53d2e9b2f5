-- Every point of every timeline.
SELECT job_id, type, slot, event_id, account_id, done, total, data FROM projection.job_timeline
