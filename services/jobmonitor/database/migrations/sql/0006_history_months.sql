-- The history in partitions, one for each month, so that old months can be moved, backed up or dropped as a whole.
--
-- A job's month is the one in which it got its Job#. The registry keeps both for ever, so the month never changes: not by
-- late events, not by a replay, not by a rebuild. Every row takes its month from there, and so a job can be in one
-- partition only, although no unique index spans them all. It is also how a lookup by id finds its partition.

ALTER TABLE registry.job_numbers ADD COLUMN month date;
ALTER TABLE projection.job_monitor ADD COLUMN month date;

-- The jobs there are count as numbered when they were first heard of. Their events may say any time: what lies in the
-- future or before computers kept such lists is of this month.
UPDATE registry.job_numbers AS r
SET month = date_trunc('month', j.first_at AT TIME ZONE 'UTC')
FROM (
    SELECT job_id, coalesce(submitted_at, accepted_at, updated_at) AS first_at FROM projection.job_monitor
    UNION ALL
    SELECT job_id, coalesce(submitted_at, accepted_at, updated_at) FROM projection.job_history
) AS j
WHERE r.job_id = j.job_id AND j.first_at BETWEEN '2000-01-01T00:00Z' AND now();
UPDATE registry.job_numbers SET month = date_trunc('month', now() AT TIME ZONE 'UTC') WHERE month IS NULL;
UPDATE projection.job_monitor AS m SET month = r.month FROM registry.job_numbers AS r WHERE r.job_id = m.job_id;

ALTER TABLE registry.job_numbers
    ALTER COLUMN month SET NOT NULL,
    ALTER COLUMN month SET DEFAULT date_trunc('month', now() AT TIME ZONE 'UTC'),
    ADD CHECK (month = date_trunc('month', month));
ALTER TABLE projection.job_monitor
    ALTER COLUMN month SET NOT NULL,
    ALTER COLUMN month SET DEFAULT date_trunc('month', now() AT TIME ZONE 'UTC');

ALTER TABLE projection.job_history RENAME TO job_history_before_0_2;
ALTER INDEX projection.job_history_pkey RENAME TO job_history_before_0_2_pkey;
ALTER INDEX projection.job_history_by_owner RENAME TO job_history_before_0_2_by_owner;
ALTER INDEX projection.job_history_by_account RENAME TO job_history_before_0_2_by_account;
CREATE TABLE projection.job_history (
    LIKE projection.job_monitor INCLUDING DEFAULTS INCLUDING GENERATED,
    PRIMARY KEY (job_id, month),
    UNIQUE (number, month)
) PARTITION BY LIST (month);
CREATE INDEX job_history_by_owner ON projection.job_history (account_id, owner_id, sort_at DESC, number DESC);
CREATE INDEX job_history_by_account ON projection.job_history (account_id, sort_at DESC, number DESC);

ALTER TABLE projection.job_history ENABLE ROW LEVEL SECURITY;
CREATE POLICY viewer ON projection.job_history FOR SELECT TO jobmonitor_gateway
    USING (projection.may_see(account_id, owner_id));
CREATE POLICY everything ON projection.job_history TO jobmonitor_projection USING (true) WITH CHECK (true);
CREATE POLICY reconciler ON projection.job_history FOR SELECT TO jobmonitor_worker USING (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON projection.job_history TO jobmonitor_projection;
GRANT SELECT ON projection.job_history TO jobmonitor_gateway, jobmonitor_worker;

-- Makes the partition of a month in the history of this schema, if there is none. The projection calls it and owns
-- nothing, so it runs as the owner. A table made apart and then attached holds up neither readers nor writers of the
-- history; the lock makes several callers take turns. Nobody has a right to a partition itself, and its own row-level
-- security, without a policy, shows nobody a row: the history can only be read as a whole, under its policies.
CREATE FUNCTION registry.add_history_month(view_schema text, month date) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    whole text := format('%I.job_history', view_schema);
    part_name text := to_char(month, '"job_history_"YYYY_MM');
    part text := format('%I.%I', view_schema, part_name);
BEGIN
    IF to_regclass(part) IS NOT NULL THEN
        RETURN;
    END IF;
    PERFORM pg_advisory_xact_lock(7301944019);
    -- a query, because it sees what was committed while we waited: to_regclass may remember that there was nothing
    IF EXISTS (SELECT FROM pg_class WHERE relname = part_name AND relnamespace = quote_ident(view_schema)::regnamespace) THEN
        RETURN;
    END IF;
    EXECUTE format('CREATE TABLE %s (LIKE %s INCLUDING ALL)', part, whole);
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', part);
    EXECUTE format('ALTER TABLE %s ATTACH PARTITION %s FOR VALUES IN (%L)', whole, part, month);
END $$;
REVOKE ALL ON FUNCTION registry.add_history_month(text, date) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION registry.add_history_month(text, date) TO jobmonitor_projection;

-- Every month that jobs have, this one, and the next: nobody has to wait at its beginning.
SELECT registry.add_history_month('projection', month)
FROM (
    SELECT month FROM registry.job_numbers
    UNION
    SELECT (date_trunc('month', now() AT TIME ZONE 'UTC') + n * interval '1 month')::date FROM generate_series(0, 1) AS n
) AS months;

INSERT INTO projection.job_history (
    job_id, number, account_id, owner_id, job_type, reference, parameters, state, sequence, submitted_at, run_at,
    accepted_at, started_at, completed_at, done, total, unit, rejected, outcomes, failure_code, failure_reason, result,
    stop_requested_at, stop_requested_by, downloaded_at, downloaded_by, expired_at, updated_at, month
)
SELECT
    h.job_id, h.number, account_id, owner_id, job_type, reference, parameters, state, sequence, submitted_at, run_at,
    accepted_at, started_at, completed_at, done, total, unit, rejected, outcomes, failure_code, failure_reason, result,
    stop_requested_at, stop_requested_by, downloaded_at, downloaded_by, expired_at, updated_at, r.month
FROM projection.job_history_before_0_2 AS h
-- a job without a Job# would be a fault: it fails here, as its month is missing, and is not dropped in silence
LEFT JOIN registry.job_numbers AS r ON r.job_id = h.job_id;
DROP TABLE projection.job_history_before_0_2;
