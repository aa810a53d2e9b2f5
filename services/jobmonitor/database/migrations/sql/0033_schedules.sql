-- Jobs that start by themselves, again and again; and somebody in each account to whom those belong that are nobody's.

-- The system user of an account: owns jobs, may start whatever there is, and has neither address nor password to log in.
ALTER TABLE crm.users
    ALTER COLUMN email DROP NOT NULL,
    ALTER COLUMN password_hash DROP NOT NULL,
    DROP CONSTRAINT users_user_type_check,
    ADD CONSTRAINT users_user_type_check CHECK (user_type IN ('user', 'admin', 'super_admin', 'system')),
    ADD CONSTRAINT users_log_in CHECK (
        CASE user_type
            WHEN 'system' THEN email IS NULL AND password_hash IS NULL AND permission_group_id IS NULL AND active
            ELSE email IS NOT NULL AND password_hash IS NOT NULL
        END
    );
CREATE UNIQUE INDEX users_system ON crm.users (account_id) WHERE user_type = 'system';

-- An id far beyond those of people, who may be given theirs from elsewhere. JavaScript holds it exactly.
CREATE FUNCTION crm.add_system_user() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO crm.users (id, account_id, name, user_type) VALUES (1000000000000 + NEW.id, NEW.id, 'System', 'system');
    RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION crm.add_system_user() FROM PUBLIC;
CREATE TRIGGER add_system_user AFTER INSERT ON crm.accounts FOR EACH ROW EXECUTE FUNCTION crm.add_system_user();

ALTER TABLE crm.accounts NO FORCE ROW LEVEL SECURITY;
INSERT INTO crm.users (id, account_id, name, user_type) SELECT 1000000000000 + id, id, 'System', 'system' FROM crm.accounts;
ALTER TABLE crm.accounts FORCE ROW LEVEL SECURITY;

CREATE TABLE crm.schedules (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    account_id bigint NOT NULL REFERENCES crm.accounts,
    -- whose the jobs are
    owner_id bigint NOT NULL,
    name text NOT NULL,
    job_type text NOT NULL,
    parameters jsonb NOT NULL,
    reference text,
    zone crm.time_zone NOT NULL,
    local_time time(0) NOT NULL,
    -- as ISO 8601 counts them, Monday is 1; neither these nor a day of the month: daily
    weekdays smallint[] CHECK (cardinality(weekdays) > 0 AND weekdays <@ '{1,2,3,4,5,6,7}'),
    -- in a month without that day its last one
    month_day smallint CHECK (month_day BETWEEN 1 AND 31),
    -- of several dates that came while nobody looked: the latest only, or each
    missed text NOT NULL DEFAULT 'latest' CHECK (missed IN ('latest', 'each')),
    -- the parameter that is given the local date
    date_parameter text,
    paused boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now(),
    -- the first local date that is not done, and its instant
    next_date date NOT NULL,
    next_at timestamptz NOT NULL,
    -- nobody looks before: it could not be submitted
    put_off_until timestamptz,
    -- when next_date last moved on; in the future once the clock was set back
    advanced_at timestamptz,
    last_date date,
    last_job_id uuid,
    UNIQUE (account_id, owner_id, name),
    CHECK (weekdays IS NULL OR month_day IS NULL),
    FOREIGN KEY (account_id, owner_id) REFERENCES crm.users (account_id, id) ON DELETE CASCADE
);
CREATE INDEX schedules_due ON crm.schedules (next_at) WHERE NOT paused;
CREATE INDEX schedules_advanced ON crm.schedules (advanced_at) WHERE NOT paused;

ALTER TABLE crm.schedules ENABLE ROW LEVEL SECURITY;
ALTER TABLE crm.schedules FORCE ROW LEVEL SECURITY;
-- whoever sees the jobs may change the schedule
CREATE POLICY viewer ON crm.schedules TO jobmonitor_gateway
    USING (projection.may_see(account_id, owner_id)) WITH CHECK (projection.may_see(account_id, owner_id));
-- who submits what is due looks as nobody; within an account, where job types work, there are none
CREATE POLICY reconciler ON crm.schedules TO jobmonitor_worker
    USING ((SELECT crm.current_account()) IS NULL) WITH CHECK ((SELECT crm.current_account()) IS NULL);
CREATE POLICY account ON crm.schedules TO CURRENT_USER
    USING (account_id = (SELECT crm.current_account())) WITH CHECK (account_id = (SELECT crm.current_account()));

-- How many schedules the account that this transaction sees has, whoever owns them. Until the commit nobody else counts.
CREATE FUNCTION crm.count_schedules() RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT pg_advisory_xact_lock(hashtextextended('crm.schedules', crm.current_account()));
    SELECT count(*) FROM crm.schedules WHERE account_id = crm.current_account()
$$;
REVOKE ALL ON FUNCTION crm.count_schedules() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION crm.count_schedules() TO jobmonitor_gateway;

GRANT SELECT, INSERT, DELETE, UPDATE (paused, next_date, next_at, put_off_until, last_job_id) ON crm.schedules
    TO jobmonitor_gateway;
GRANT SELECT, UPDATE (next_date, next_at, put_off_until, advanced_at, last_date, last_job_id) ON crm.schedules
    TO jobmonitor_worker;
