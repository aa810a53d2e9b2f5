-- Points of progress tell how far the job was in columns: most of the timeline is progress, and a document each, whose
-- other values stand in columns already, took half of the time to write it.
ALTER TABLE projection.job_timeline
    ADD COLUMN done bigint,
    ADD COLUMN total bigint,
    ALTER COLUMN data DROP NOT NULL;
UPDATE projection.job_timeline
SET done = (data ->> 'done')::bigint, total = (data ->> 'total')::bigint, data = NULL
WHERE type = 'job_progressed';
