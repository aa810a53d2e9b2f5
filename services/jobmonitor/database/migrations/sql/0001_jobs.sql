-- The tables of the jobs themselves: the ledger (what guarantees the work), the projection (what readers see),
-- the registry of Job#s, and the gateway's own few. The CRM's tables follow in 0002.

CREATE SCHEMA ledger;
CREATE SCHEMA projection;
CREATE SCHEMA registry;
CREATE SCHEMA gateway;

-- Roles: one per kind of process, without login here; `jobmonitor migrate` gives them their passwords.
DO $$
DECLARE role_name text;
BEGIN
    FOREACH role_name IN ARRAY ARRAY['jobmonitor_worker', 'jobmonitor_projection', 'jobmonitor_gateway'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role_name) THEN
            EXECUTE format('CREATE ROLE %I NOLOGIN', role_name);
        END IF;
    END LOOP;
END $$;

-- Ledger ------------------------------------------------------------------------------------------------------------

-- One row per job a worker took up. `state`, `sequence`, `done`, `total` are the job as `job.evolve` folds it.
CREATE TABLE ledger.runs (
    job_id uuid PRIMARY KEY,
    account_id bigint NOT NULL,
    owner_id bigint NOT NULL,
    job_type text NOT NULL,
    parameters jsonb NOT NULL,
    run_at timestamptz,
    state text NOT NULL,
    sequence int NOT NULL DEFAULT 0,
    done bigint NOT NULL DEFAULT 0,
    total bigint NOT NULL DEFAULT 0,
    stop_requested_by bigint,
    result jsonb,
    downloaded boolean NOT NULL DEFAULT false,
    expired boolean NOT NULL DEFAULT false,
    -- counters of the chunks, kept so that completing one needs no count
    chunks_total int NOT NULL DEFAULT 0,
    chunks_dispatched int NOT NULL DEFAULT 0,
    chunks_done int NOT NULL DEFAULT 0,
    outcomes jsonb NOT NULL DEFAULT '{}',
    rejected bigint NOT NULL DEFAULT 0,
    rows bigint NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CHECK (done >= 0 AND done <= total)
);
CREATE INDEX runs_due ON ledger.runs (run_at) WHERE state = 'scheduled';
CREATE INDEX runs_with_result ON ledger.runs ((result ->> 'expires_at')) WHERE result IS NOT NULL AND NOT expired;

-- One row per chunk: number 0 plans, 1..n work, n+1 assembles. A lease (token, until) is the right to run it.
CREATE TABLE ledger.chunks (
    job_id uuid NOT NULL REFERENCES ledger.runs ON DELETE CASCADE,
    chunk int NOT NULL,
    kind text NOT NULL CHECK (kind IN ('plan', 'work', 'assemble')),
    units bigint NOT NULL DEFAULT 0,
    payload jsonb,
    state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'dispatched', 'done')),
    attempt int NOT NULL DEFAULT 0,
    lease_token uuid,
    lease_until timestamptz,
    dispatched_at timestamptz,
    part_key text,
    last_error text,
    PRIMARY KEY (job_id, chunk)
);
CREATE INDEX chunks_open ON ledger.chunks (dispatched_at) WHERE state = 'dispatched';

-- Facts and work that commit with their effects and still have to reach Kafka. Sent right after the commit; what is
-- left behind is sent by the reconciler.
CREATE TABLE ledger.outbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic text NOT NULL,
    key bytea NOT NULL,
    value bytea NOT NULL,
    send_after timestamptz NOT NULL DEFAULT now()
);

-- Registry: the Job# of each job. Never dropped by a rebuild, never reused.
CREATE TABLE registry.job_numbers (
    number bigint GENERATED ALWAYS AS IDENTITY (START WITH 10001) PRIMARY KEY,
    job_id uuid NOT NULL UNIQUE
);

-- Projection --------------------------------------------------------------------------------------------------------

CREATE TABLE projection.job_monitor (
    job_id uuid PRIMARY KEY,
    number bigint NOT NULL UNIQUE,
    account_id bigint NOT NULL,
    owner_id bigint NOT NULL,
    job_type text NOT NULL,
    reference text,
    parameters jsonb,
    state text NOT NULL,
    sequence int NOT NULL,
    submitted_at timestamptz,
    run_at timestamptz,
    accepted_at timestamptz,
    started_at timestamptz,
    completed_at timestamptz,
    done bigint NOT NULL,
    total bigint NOT NULL,
    unit text,
    rejected bigint NOT NULL,
    outcomes jsonb,
    failure_code text,
    failure_reason text,
    result jsonb,
    stop_requested_at timestamptz,
    stop_requested_by bigint,
    downloaded_at timestamptz,
    downloaded_by bigint,
    expired_at timestamptz,
    updated_at timestamptz NOT NULL,
    -- a scheduled job sorts by its planned start (domain rule 2.1)
    sort_at timestamptz NOT NULL
        GENERATED ALWAYS AS (coalesce(started_at, run_at, submitted_at, accepted_at, updated_at)) STORED
)
-- Progress rewrites the same rows all the time: leave room to do so in their page, which leaves the indexes alone, and
-- tidy up early.
WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);
CREATE TABLE projection.job_history (LIKE projection.job_monitor INCLUDING ALL);
CREATE INDEX job_monitor_by_owner ON projection.job_monitor (account_id, owner_id, sort_at DESC, number DESC);
CREATE INDEX job_monitor_by_account ON projection.job_monitor (account_id, sort_at DESC, number DESC);
CREATE INDEX job_history_by_owner ON projection.job_history (account_id, owner_id, sort_at DESC, number DESC);
CREATE INDEX job_history_by_account ON projection.job_history (account_id, sort_at DESC, number DESC);

-- Every event of a job's life, for people who ask what happened when; its progress at most once a second.
CREATE TABLE projection.job_timeline (
    job_id uuid NOT NULL,
    type text NOT NULL,
    -- what makes two events of one type the same point: see projection.timeline
    slot bigint NOT NULL,
    event_id text NOT NULL,
    account_id bigint NOT NULL,
    owner_id bigint NOT NULL,
    at timestamptz NOT NULL,
    sequence int,
    data jsonb NOT NULL,
    PRIMARY KEY (job_id, type, slot)
);

-- Up to where the log is folded into the tables above. A process that takes a partition over raises its epoch: whoever
-- held it before can then write no more.
CREATE TABLE projection.offsets (
    topic text NOT NULL,
    partition int NOT NULL,
    next_offset bigint NOT NULL,
    epoch bigint NOT NULL,
    PRIMARY KEY (topic, partition)
);

-- Gateway -----------------------------------------------------------------------------------------------------------

-- Who is logged in. The token itself is in the browser's cookie only.
CREATE TABLE gateway.sessions (
    token_sha256 bytea PRIMARY KEY,
    account_id bigint NOT NULL,
    user_id bigint NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    -- moves on with use
    expires_at timestamptz NOT NULL
);

-- What was asked under which job id: so that one idempotency key never stands for two different requests, and so that
-- an accepted job can be shown before the projection has seen it.
CREATE TABLE gateway.submissions (
    job_id uuid PRIMARY KEY,
    account_id bigint NOT NULL,
    owner_id bigint NOT NULL,
    job_type text NOT NULL,
    reference text,
    run_at timestamptz,
    request_sha256 bytea NOT NULL,
    submitted_at timestamptz NOT NULL,
    -- the broker did not confirm and 503 was answered; null where it was, or may yet be, accepted
    unconfirmed_at timestamptz
);
CREATE INDEX submissions_by_age ON gateway.submissions (submitted_at);

-- Which bytes of a result a viewer has received, so that ranges that together cover it count as one complete transfer.
CREATE TABLE gateway.transfers (
    job_id uuid NOT NULL,
    user_id bigint NOT NULL,
    received int8multirange NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (job_id, user_id)
);

-- Who sees what, beneath the policy in code: a user their own jobs, a Super Admin the account's.
ALTER TABLE projection.job_monitor ENABLE ROW LEVEL SECURITY;
ALTER TABLE projection.job_history ENABLE ROW LEVEL SECURITY;
ALTER TABLE projection.job_timeline ENABLE ROW LEVEL SECURITY;

CREATE FUNCTION projection.may_see(account bigint, owner bigint) RETURNS boolean
LANGUAGE sql STABLE AS $$
    SELECT account = nullif(current_setting('app.account_id', true), '')::bigint
       AND (owner = nullif(current_setting('app.user_id', true), '')::bigint
            OR current_setting('app.user_type', true) = 'super_admin')
$$;

DO $$
DECLARE table_name text;
BEGIN
    FOREACH table_name IN ARRAY ARRAY['job_monitor', 'job_history', 'job_timeline'] LOOP
        EXECUTE format('CREATE POLICY viewer ON projection.%I FOR SELECT TO jobmonitor_gateway '
                       'USING (projection.may_see(account_id, owner_id))', table_name);
        EXECUTE format('CREATE POLICY everything ON projection.%I TO jobmonitor_projection USING (true) WITH CHECK (true)',
                       table_name);
        EXECUTE format('CREATE POLICY reconciler ON projection.%I FOR SELECT TO jobmonitor_worker USING (true)', table_name);
    END LOOP;
END $$;

ALTER TABLE gateway.submissions ENABLE ROW LEVEL SECURITY;
CREATE POLICY account ON gateway.submissions TO jobmonitor_gateway
    USING (account_id = nullif(current_setting('app.account_id', true), '')::bigint)
    WITH CHECK (account_id = nullif(current_setting('app.account_id', true), '')::bigint);
-- once the projection has had all the time in the world, for whoever tidies up
CREATE POLICY forgettable ON gateway.submissions FOR SELECT TO jobmonitor_gateway
    USING (submitted_at < now() - interval '30 days');
CREATE POLICY forgetting ON gateway.submissions FOR DELETE TO jobmonitor_gateway
    USING (submitted_at < now() - interval '30 days');

GRANT USAGE ON SCHEMA ledger TO jobmonitor_worker, jobmonitor_gateway;
GRANT USAGE ON SCHEMA projection TO jobmonitor_worker, jobmonitor_projection, jobmonitor_gateway;
GRANT USAGE ON SCHEMA registry TO jobmonitor_projection, jobmonitor_gateway, jobmonitor_worker;
GRANT USAGE ON SCHEMA gateway TO jobmonitor_gateway;
GRANT SELECT, INSERT, UPDATE, DELETE ON ledger.runs, ledger.chunks, ledger.outbox TO jobmonitor_worker;
-- The gateway records downloads in the ledger: it may move a run on, and leave the fact in the outbox.
GRANT SELECT, UPDATE ON ledger.runs TO jobmonitor_gateway;
GRANT SELECT, INSERT, DELETE ON ledger.outbox TO jobmonitor_gateway;
-- UPDATE of the job id only because locking a row asks for some right to change it; a Job# can never be changed.
GRANT SELECT, INSERT, UPDATE (job_id) ON registry.job_numbers TO jobmonitor_projection;
GRANT SELECT ON registry.job_numbers TO jobmonitor_gateway, jobmonitor_worker;
GRANT SELECT, INSERT, UPDATE, DELETE ON projection.job_monitor, projection.job_history, projection.job_timeline,
    projection.offsets TO jobmonitor_projection;
GRANT SELECT ON projection.job_monitor, projection.job_history, projection.job_timeline TO jobmonitor_gateway;
GRANT SELECT ON projection.job_monitor, projection.job_history, projection.job_timeline, projection.offsets
    TO jobmonitor_worker;
GRANT SELECT ON projection.offsets TO jobmonitor_gateway;
GRANT SELECT, INSERT, UPDATE, DELETE ON gateway.sessions, gateway.submissions, gateway.transfers TO jobmonitor_gateway;
