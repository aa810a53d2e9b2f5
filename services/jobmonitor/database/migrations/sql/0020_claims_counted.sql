-- What ends the process that folds it is found out and put aside, and nothing that is stored can be infinite.
--
-- How often a partition was claimed since a claim last ended well, and which messages were tried alone: see
-- projection.suspects.
ALTER TABLE projection.offsets
    ADD COLUMN claims int NOT NULL DEFAULT 0,
    ADD COLUMN claimed_at timestamptz NOT NULL DEFAULT now(),
    ADD COLUMN tried_from bigint NOT NULL DEFAULT 0,
    ADD COLUMN tried_until bigint NOT NULL DEFAULT 0,
    ADD COLUMN tries int NOT NULL DEFAULT 0,
    ADD COLUMN alone_until bigint NOT NULL DEFAULT 0;

-- Messages that were deleted from the log before they were folded: from the one place to before the other.
CREATE TABLE registry.skipped_messages (
    topic text NOT NULL,
    partition int NOT NULL,
    first_offset bigint NOT NULL,
    next_offset bigint NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (topic, partition, first_offset),
    CHECK (first_offset < next_offset)
);
GRANT SELECT, INSERT ON registry.skipped_messages TO jobmonitor_projection;

-- asyncpg stores the first and the last moment of Python's calendar as infinity, which nobody can read again.
UPDATE projection.job_monitor
SET submitted_at = nullif(nullif(submitted_at, 'infinity'), '-infinity'),
    run_at = nullif(nullif(run_at, 'infinity'), '-infinity'),
    accepted_at = nullif(nullif(accepted_at, 'infinity'), '-infinity'),
    started_at = nullif(nullif(started_at, 'infinity'), '-infinity'),
    completed_at = nullif(nullif(completed_at, 'infinity'), '-infinity'),
    stop_requested_at = nullif(nullif(stop_requested_at, 'infinity'), '-infinity'),
    downloaded_at = nullif(nullif(downloaded_at, 'infinity'), '-infinity'),
    expired_at = nullif(nullif(expired_at, 'infinity'), '-infinity'),
    updated_at = CASE WHEN isfinite(updated_at) THEN updated_at ELSE now() END
WHERE NOT (isfinite(updated_at) AND isfinite(submitted_at) AND isfinite(run_at) AND isfinite(accepted_at)
    AND isfinite(started_at) AND isfinite(completed_at) AND isfinite(stop_requested_at) AND isfinite(downloaded_at)
    AND isfinite(expired_at));
UPDATE projection.job_history
SET submitted_at = nullif(nullif(submitted_at, 'infinity'), '-infinity'),
    run_at = nullif(nullif(run_at, 'infinity'), '-infinity'),
    accepted_at = nullif(nullif(accepted_at, 'infinity'), '-infinity'),
    started_at = nullif(nullif(started_at, 'infinity'), '-infinity'),
    completed_at = nullif(nullif(completed_at, 'infinity'), '-infinity'),
    stop_requested_at = nullif(nullif(stop_requested_at, 'infinity'), '-infinity'),
    downloaded_at = nullif(nullif(downloaded_at, 'infinity'), '-infinity'),
    expired_at = nullif(nullif(expired_at, 'infinity'), '-infinity'),
    updated_at = CASE WHEN isfinite(updated_at) THEN updated_at ELSE now() END
WHERE NOT (isfinite(updated_at) AND isfinite(submitted_at) AND isfinite(run_at) AND isfinite(accepted_at)
    AND isfinite(started_at) AND isfinite(completed_at) AND isfinite(stop_requested_at) AND isfinite(downloaded_at)
    AND isfinite(expired_at));
UPDATE projection.job_timeline SET at = now() WHERE NOT isfinite(at);

ALTER TABLE projection.job_monitor ADD CONSTRAINT job_monitor_finite CHECK (
    isfinite(updated_at) AND isfinite(submitted_at) AND isfinite(run_at) AND isfinite(accepted_at)
    AND isfinite(started_at) AND isfinite(completed_at) AND isfinite(stop_requested_at) AND isfinite(downloaded_at)
    AND isfinite(expired_at)
);
ALTER TABLE projection.job_history ADD CONSTRAINT job_history_finite CHECK (
    isfinite(updated_at) AND isfinite(submitted_at) AND isfinite(run_at) AND isfinite(accepted_at)
    AND isfinite(started_at) AND isfinite(completed_at) AND isfinite(stop_requested_at) AND isfinite(downloaded_at)
    AND isfinite(expired_at)
);
ALTER TABLE projection.job_timeline ADD CONSTRAINT job_timeline_finite CHECK (isfinite(at));
