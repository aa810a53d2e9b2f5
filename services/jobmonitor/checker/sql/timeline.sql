-- Every point of every timeline.
SELECT job_id, type, slot, event_id, account_id, data FROM projection.job_timeline
