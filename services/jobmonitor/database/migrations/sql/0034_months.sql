-- What fills up with millions of rows lies in partitions, one for each month, and a month goes as a whole.
--
-- A job's timeline lies in the month of the job, as its history does (0006): the registry keeps it, so both go together. What
-- became of the rows of an import lies in the month in which that was written.

-- Months of jobs that are not kept any more. Their Job#s stay; whatever is heard of such a job later makes no row.
CREATE TABLE registry.dropped_months (
    month date PRIMARY KEY CHECK (month = date_trunc('month', month)),
    -- for how long after its end it had to be kept
    kept interval NOT NULL,
    dropped_at timestamptz NOT NULL DEFAULT now()
);
GRANT SELECT ON registry.dropped_months TO jobmonitor_projection, jobmonitor_gateway, jobmonitor_worker;

-- For how long is kept what is dropped some day, as the reconciler was told last.
CREATE TABLE registry.retention (
    what text PRIMARY KEY CHECK (what IN ('jobs', 'runs', 'row outcomes')),
    kept interval NOT NULL,
    told_at timestamptz NOT NULL DEFAULT now()
);
GRANT SELECT, INSERT, UPDATE ON registry.retention TO jobmonitor_worker;

-- Partitions --------------------------------------------------------------------------------------------------------

-- Makes the partition of a month in this table, if there is none; whether there was one. A table made apart and then attached
-- holds up neither readers nor writers of the whole; the lock makes several callers take turns. Nobody has a right to a
-- partition itself, and its own row-level security, without a policy, shows nobody a row.
CREATE FUNCTION registry.add_partition(schema_name text, table_name text, month date) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    whole text := format('%I.%I', schema_name, table_name);
    part_name text := table_name || to_char(month, '"_"YYYY_MM');
    part text := format('%I.%I', schema_name, part_name);
BEGIN
    IF to_regclass(part) IS NOT NULL THEN
        RETURN true;
    END IF;
    PERFORM pg_advisory_xact_lock(7301944019);
    -- a query, because it sees what was committed while we waited: to_regclass may remember that there was nothing
    IF EXISTS (SELECT FROM pg_class WHERE relname = part_name AND relnamespace = quote_ident(schema_name)::regnamespace) THEN
        RETURN true;
    END IF;
    EXECUTE format('CREATE TABLE %s (LIKE %s INCLUDING ALL)', part, whole);
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', part);
    EXECUTE format('ALTER TABLE %s ATTACH PARTITION %s FOR VALUES IN (%L)', whole, part, month);
    RETURN false;
END $$;
REVOKE ALL ON FUNCTION registry.add_partition(text, text, date) FROM PUBLIC;

-- Makes the partitions for the jobs of a month in the views of this schema, as far as they lack; whether there were all. The
-- projection calls it and owns nothing, so it runs as the owner.
CREATE FUNCTION registry.add_month(view_schema text, month date) RETURNS boolean
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT bool_and(registry.add_partition(view_schema, view_name, month))
    FROM unnest(ARRAY['job_history', 'job_timeline']) AS view_name
$$;
REVOKE ALL ON FUNCTION registry.add_month(text, date) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION registry.add_month(text, date) TO jobmonitor_projection;
DROP FUNCTION registry.add_history_month(text, date);

-- Makes the partitions of this month and of the next three, as far as they lack: nobody has to wait at a month's beginning.
CREATE FUNCTION registry.add_months_ahead() RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT registry.add_month('projection', month), registry.add_partition('crm', 'import_rows', month)
    FROM (
        SELECT (date_trunc('month', now() AT TIME ZONE 'UTC') + n * interval '1 month')::date AS month
        FROM generate_series(0, 3) AS n
    ) AS months
$$;
REVOKE ALL ON FUNCTION registry.add_months_ahead() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION registry.add_months_ahead() TO jobmonitor_worker;

-- The months of which there are partitions, the oldest first, by the names add_partition gives.
CREATE FUNCTION registry.months_of(whole regclass) RETURNS TABLE (month date)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT to_date(right(c.relname, 7), 'YYYY_MM')
    FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
    WHERE i.inhparent = whole
    ORDER BY 1
$$;
REVOKE ALL ON FUNCTION registry.months_of(regclass) FROM PUBLIC;

-- Timelines ---------------------------------------------------------------------------------------------------------

ALTER TABLE projection.job_timeline RENAME TO job_timeline_before;
ALTER INDEX projection.job_timeline_pkey RENAME TO job_timeline_before_pkey;
CREATE TABLE projection.job_timeline (
    LIKE projection.job_timeline_before INCLUDING DEFAULTS INCLUDING CONSTRAINTS,
    -- that of its job
    month date NOT NULL DEFAULT date_trunc('month', now() AT TIME ZONE 'UTC')
) PARTITION BY LIST (month);
ALTER TABLE projection.job_timeline ENABLE ROW LEVEL SECURITY;
CREATE POLICY viewer ON projection.job_timeline FOR SELECT TO jobmonitor_gateway
    USING (projection.may_see(account_id, owner_id));
CREATE POLICY everything ON projection.job_timeline TO jobmonitor_projection USING (true) WITH CHECK (true);
CREATE POLICY reconciler ON projection.job_timeline FOR SELECT TO jobmonitor_worker USING (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON projection.job_timeline TO jobmonitor_projection;
GRANT SELECT ON projection.job_timeline TO jobmonitor_gateway, jobmonitor_worker;

SELECT registry.add_month('projection', month) FROM (SELECT DISTINCT month FROM registry.job_numbers) AS months;
INSERT INTO projection.job_timeline
SELECT t.*, r.month
FROM projection.job_timeline_before AS t
-- a timeline without a Job# would be a fault: it fails here, as its month is missing
LEFT JOIN registry.job_numbers AS r ON r.job_id = t.job_id;
-- after the rows: a quarter of the time
ALTER TABLE projection.job_timeline ADD PRIMARY KEY (job_id, type, slot, month);
DROP TABLE projection.job_timeline_before;

-- Drops the oldest month of jobs, history and timelines, where it ended more than so many months ago. What of its jobs is not
-- over, or ended less than so long ago, first moves to the present month, some jobs at a call. Says which month, and how many
-- jobs moved; nothing where nothing is old. Meanwhile nothing is folded; readers are waited for as long as the caller has
-- patience, and others wait behind it as long. Not beside a rebuild, which would bring the month back.
CREATE FUNCTION registry.drop_month(kept_months int, jobs_max int, patience_ms int) RETURNS TABLE (old_month date, moved int)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    kept CONSTANT interval := make_interval(months => greatest(kept_months, 1));
    this_month CONSTANT date := date_trunc('month', now() AT TIME ZONE 'UTC');
    lasting uuid[];
BEGIN
    IF NOT pg_try_advisory_xact_lock(7301944021) THEN
        RETURN;
    END IF;
    SELECT min(m.month) INTO old_month FROM registry.months_of('projection.job_timeline') AS m;
    IF old_month IS NULL OR old_month + interval '1 month' + kept > now() AT TIME ZONE 'UTC' THEN
        RETURN;
    END IF;
    SELECT array_agg(counted.job_id) INTO lasting FROM (
        SELECT jobs.job_id, sum(points.many) OVER (ORDER BY jobs.job_id) - points.many AS points_before
        FROM (
            SELECT m.job_id FROM projection.job_monitor AS m WHERE m.month = old_month
            UNION ALL
            SELECT h.job_id
            FROM projection.job_history AS h
            WHERE h.month = old_month AND (
                coalesce(h.completed_at, h.updated_at) > now() - kept
                OR (h.expired_at IS NULL AND (h.result ->> 'expires_at')::timestamptz > now())
            )
            LIMIT jobs_max
        ) AS jobs
        CROSS JOIN LATERAL (
            SELECT count(*) AS many FROM projection.job_timeline AS t WHERE t.job_id = jobs.job_id AND t.month = old_month
        ) AS points
    ) AS counted
    WHERE counted.points_before < 20000;  -- so that nobody is held up for longer than a moment
    PERFORM set_config('lock_timeout', '2s', true);
    LOCK TABLE projection.offsets IN EXCLUSIVE MODE;
    IF lasting IS NOT NULL THEN
        PERFORM registry.add_month('projection', this_month);
        UPDATE registry.job_numbers AS r SET month = this_month WHERE r.job_id = ANY (lasting);
        UPDATE projection.job_monitor AS m SET month = this_month WHERE m.job_id = ANY (lasting);
        UPDATE projection.job_history AS h SET month = this_month WHERE h.job_id = ANY (lasting) AND h.month = old_month;
        UPDATE projection.job_timeline AS t SET month = this_month WHERE t.job_id = ANY (lasting) AND t.month = old_month;
        moved := cardinality(lasting);
        RETURN NEXT;
        RETURN;
    END IF;
    IF EXISTS (SELECT FROM projection.job_monitor AS m WHERE m.month = old_month) THEN
        RETURN;  -- since we looked
    END IF;
    PERFORM set_config('lock_timeout', patience_ms || 'ms', true);
    EXECUTE format('DROP TABLE IF EXISTS projection.%I, projection.%I', to_char(old_month, '"job_history_"YYYY_MM'),
        to_char(old_month, '"job_timeline_"YYYY_MM'));
    INSERT INTO registry.dropped_months (month, kept) VALUES (old_month, kept);
    moved := 0;
    RETURN NEXT;
END $$;
REVOKE ALL ON FUNCTION registry.drop_month(int, int, int) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION registry.drop_month(int, int, int) TO jobmonitor_worker;

-- Row outcomes of imports --------------------------------------------------------------------------------------------

-- All rows there are count as written this month, and need no copy: their table becomes the partition.
DO $$
DECLARE
    this_month CONSTANT date := date_trunc('month', now() AT TIME ZONE 'UTC');
    part CONSTANT text := to_char(this_month, '"import_rows_"YYYY_MM');
BEGIN
    DROP POLICY account ON crm.import_rows;
    REVOKE ALL ON crm.import_rows FROM jobmonitor_worker;
    DROP INDEX crm.import_rows_by_entity;
    EXECUTE format('ALTER TABLE crm.import_rows RENAME TO %I', part);
    EXECUTE format('ALTER TABLE crm.%I DROP CONSTRAINT import_rows_pkey, NO FORCE ROW LEVEL SECURITY, '
                   'ADD COLUMN month date NOT NULL DEFAULT %L', part, this_month);
    EXECUTE format('ALTER TABLE crm.%I ALTER COLUMN month SET DEFAULT date_trunc(''month'', now() AT TIME ZONE ''UTC'')', part);
    EXECUTE format('CREATE TABLE crm.import_rows (LIKE crm.%I INCLUDING DEFAULTS INCLUDING CONSTRAINTS) '
                   'PARTITION BY LIST (month)', part);
    ALTER TABLE crm.import_rows
        ADD PRIMARY KEY (job_id, row_no, month),
        -- named as that of the first partition, so that each is, also after a large load took the keys away and put them back
        ADD CONSTRAINT import_rows_account_id_fkey FOREIGN KEY (account_id) REFERENCES crm.accounts;
    CREATE INDEX import_rows_by_entity ON crm.import_rows (job_id, entity_id, row_no) WHERE entity_id IS NOT NULL;
    EXECUTE format('ALTER TABLE crm.import_rows ATTACH PARTITION crm.%I FOR VALUES IN (%L)', part, this_month);
END $$;
ALTER TABLE crm.import_rows ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY account ON crm.import_rows USING (account_id = (SELECT crm.current_account()))
    WITH CHECK (account_id = (SELECT crm.current_account()));
GRANT SELECT, INSERT ON crm.import_rows TO jobmonitor_worker;

-- Drops the oldest month of row outcomes, and says which, where all of it was written more than so many days ago, and no job
-- with rows in it goes on, or wrote others since: the rows of a job go together. Patience as in drop_month.
CREATE FUNCTION crm.drop_import_rows(kept_days int, patience_ms int) RETURNS date
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    too_young CONSTANT timestamp := now() AT TIME ZONE 'UTC' - make_interval(days => greatest(kept_days, 1));
    old_month date;
    old_part text;
    young_month date;
    is_needed boolean;
BEGIN
    IF NOT pg_try_advisory_xact_lock(7301944021) THEN
        RETURN NULL;
    END IF;
    SELECT min(m.month) INTO old_month FROM registry.months_of('crm.import_rows') AS m;
    IF old_month IS NULL OR old_month + interval '1 month' > too_young THEN
        RETURN NULL;
    END IF;
    old_part := to_char(old_month, '"import_rows_"YYYY_MM');
    EXECUTE format('SELECT EXISTS (SELECT FROM ledger.runs AS r WHERE r.state IN (''queued'', ''running'', ''stopping'') '
                   'AND EXISTS (SELECT FROM crm.%I AS o WHERE o.job_id = r.job_id))', old_part) INTO is_needed;
    FOR young_month IN SELECT m.month FROM registry.months_of('crm.import_rows') AS m WHERE m.month + interval '1 month' > too_young
    LOOP
        EXIT WHEN is_needed;
        -- from job to job by the index
        EXECUTE format(
            'WITH RECURSIVE jobs AS ('
            '    (SELECT o.job_id FROM crm.%1$I AS o ORDER BY o.job_id LIMIT 1) UNION ALL '
            '    SELECT (SELECT o.job_id FROM crm.%1$I AS o WHERE o.job_id > j.job_id ORDER BY o.job_id LIMIT 1)'
            '    FROM jobs AS j WHERE j.job_id IS NOT NULL'
            ') SELECT EXISTS (SELECT FROM jobs AS j WHERE EXISTS (SELECT FROM crm.%2$I AS y WHERE y.job_id = j.job_id))',
            old_part, to_char(young_month, '"import_rows_"YYYY_MM')) INTO is_needed;
    END LOOP;
    IF is_needed THEN
        RETURN NULL;
    END IF;
    PERFORM set_config('lock_timeout', patience_ms || 'ms', true);
    EXECUTE format('DROP TABLE crm.%I', old_part);
    RETURN old_month;
END $$;
REVOKE ALL ON FUNCTION crm.drop_import_rows(int, int) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION crm.drop_import_rows(int, int) TO jobmonitor_worker;

ANALYZE projection.job_timeline;
-- after it: a table known to be empty is read as a whole, and plans that say so live on for a while
SELECT registry.add_months_ahead();
