-- The gateway's database role does what these functions do, and nothing else: it moves no job, leaves no message of its
-- own, lists no sessions and sees no password's hash.

REVOKE ALL ON ledger.runs, ledger.outbox FROM jobmonitor_gateway;
REVOKE ALL ON gateway.sessions FROM jobmonitor_gateway;
REVOKE ALL ON projection.offsets FROM jobmonitor_gateway;
-- it counts supporters and never reads their addresses
REVOKE ALL ON crm.supporters FROM jobmonitor_gateway;
GRANT SELECT (id, account_id) ON crm.supporters TO jobmonitor_gateway;

-- Downloads ---------------------------------------------------------------------------------------------------------

-- The viewer of this transaction has received all of a job's result. The first time this makes the fact, as
-- job/decide.py does, and leaves it in the outbox; it comes back so that it can be sent at once. Otherwise nothing does.
CREATE FUNCTION ledger.record_download(job uuid)
RETURNS TABLE (place bigint, topic text, key bytea, value bytea, type text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    run ledger.runs;
    fact_type CONSTANT text := 'jobmonitor.result_downloaded.v1';
BEGIN
    SELECT r.* INTO run FROM ledger.runs AS r
    WHERE r.job_id = job AND projection.may_see(r.account_id, r.owner_id)
    FOR NO KEY UPDATE;
    IF NOT FOUND OR run.downloaded
       OR run.state NOT IN ('completed', 'completed_with_errors', 'failed', 'cancelled')
       OR (run.result IS NULL AND run.state <> 'failed') THEN
        RETURN;
    END IF;
    topic := 'jobs.' || run.job_type;
    key := convert_to(job::text, 'UTF8');
    type := fact_type;
    value := convert_to(json_build_object(
        'specversion', '1.0',
        'id', job || ':' || run.sequence + 1,
        'source', '/jobmonitor/gateway',
        'type', fact_type,
        'subject', job,
        'time', to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
        'datacontenttype', 'application/json',
        'data', json_build_object(
            'account_id', run.account_id,
            'owner_id', run.owner_id,
            'job_type', run.job_type,
            'sequence', run.sequence + 1,
            'downloaded_by', current_setting('app.user_id')::bigint
        )
    )::text, 'UTF8');
    UPDATE ledger.runs AS r SET downloaded = true, sequence = run.sequence + 1, updated_at = now() WHERE r.job_id = job;
    INSERT INTO ledger.outbox (topics, keys, values, types)
    VALUES (ARRAY[topic], ARRAY[key], ARRAY[value], ARRAY[type])
    RETURNING id INTO place;
    RETURN NEXT;
END $$;

-- What record_download gave was sent: its row of the outbox is no longer needed. No other row can be named.
CREATE FUNCTION ledger.forget_download(place bigint, value bytea) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    DELETE FROM ledger.outbox AS o
    WHERE o.id = place AND o.values = ARRAY[value] AND o.types = ARRAY['jobmonitor.result_downloaded.v1']
$$;

-- Log-ins -----------------------------------------------------------------------------------------------------------

-- How a password has to be hashed to be compared with the one of this address: its hash without what the password made of
-- it (each of those characters an A). Null where there is no such address.
CREATE FUNCTION crm.how_to_hash(address text) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT regexp_replace(password_hash, '[^$]*$', '')
        || repeat('A', length(substring(password_hash FROM '[^$]*$')))
    FROM crm.users WHERE email = address::citext
$$;

-- Opens a session (its token's SHA-256) for whoever has this address and this hash of their password, if they may log in.
-- One row if the hash is right, none if it is wrong.
CREATE FUNCTION gateway.open_session(address text, hash text, token bytea, idle interval)
RETURNS TABLE (user_id bigint, account_id bigint, active boolean, opened boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    SELECT u.id, u.account_id, u.active, u.active AND (u.user_type <> 'user' OR u.permission_group_id IS NOT NULL)
    INTO user_id, account_id, active, opened
    FROM crm.users AS u WHERE u.email = address::citext AND u.password_hash = hash;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    IF opened THEN
        INSERT INTO gateway.sessions AS s (token_sha256, account_id, user_id, expires_at)
        VALUES (token, open_session.account_id, open_session.user_id, now() + idle);
    END IF;
    RETURN NEXT;
END $$;
DROP FUNCTION crm.find_login(text);

-- Whose session is this? It is in use: it lives on, but not beyond its greatest age.
CREATE FUNCTION gateway.use_session(token bytea, idle interval, greatest_age interval)
RETURNS TABLE (account_id bigint, user_id bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    ends timestamptz;
    began timestamptz;
BEGIN
    SELECT s.account_id, s.user_id, s.expires_at, s.created_at INTO account_id, user_id, ends, began
    FROM gateway.sessions AS s WHERE s.token_sha256 = token AND s.expires_at > now();
    IF NOT FOUND THEN
        RETURN;
    END IF;
    IF ends <= now() + idle - interval '5 min' THEN
        UPDATE gateway.sessions AS s SET expires_at = least(now() + idle, began + greatest_age) WHERE s.token_sha256 = token;
    END IF;
    RETURN NEXT;
END $$;

CREATE FUNCTION gateway.end_session(token bytea) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    DELETE FROM gateway.sessions WHERE token_sha256 = token
$$;

-- Which of these sessions are still alive?
CREATE FUNCTION gateway.live_sessions(tokens bytea[]) RETURNS SETOF bytea
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT token_sha256 FROM gateway.sessions WHERE token_sha256 = ANY (tokens) AND expires_at > now()
$$;

CREATE FUNCTION gateway.delete_dead_sessions() RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    DELETE FROM gateway.sessions WHERE expires_at <= now()
$$;

-- Whoever changes a password ends the sessions that the old one opened.
CREATE FUNCTION gateway.end_sessions_of_user() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    DELETE FROM gateway.sessions WHERE user_id = NEW.id;
    RETURN NULL;
END $$;
CREATE INDEX sessions_by_user ON gateway.sessions (user_id);
CREATE TRIGGER password_changed AFTER UPDATE OF password_hash ON crm.users
    FOR EACH ROW WHEN (OLD.password_hash IS DISTINCT FROM NEW.password_hash)
    EXECUTE FUNCTION gateway.end_sessions_of_user();

-- Transfers ---------------------------------------------------------------------------------------------------------

-- What somebody has received is nobody else's business.
ALTER TABLE gateway.transfers ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON gateway.transfers TO jobmonitor_gateway
    USING (user_id = nullif(current_setting('app.user_id', true), '')::bigint)
    WITH CHECK (user_id = nullif(current_setting('app.user_id', true), '')::bigint);
CREATE POLICY forgettable ON gateway.transfers FOR SELECT TO jobmonitor_gateway
    USING (updated_at < now() - interval '60 days');
CREATE POLICY forgetting ON gateway.transfers FOR DELETE TO jobmonitor_gateway
    USING (updated_at < now() - interval '60 days');

-- Who may call them -------------------------------------------------------------------------------------------------

DO $$
DECLARE
    signature text;
BEGIN
    FOREACH signature IN ARRAY ARRAY[
        'ledger.record_download(uuid)', 'ledger.forget_download(bigint, bytea)', 'crm.how_to_hash(text)',
        'gateway.open_session(text, text, bytea, interval)', 'gateway.use_session(bytea, interval, interval)',
        'gateway.end_session(bytea)', 'gateway.live_sessions(bytea[])', 'gateway.delete_dead_sessions()'
    ] LOOP
        EXECUTE 'REVOKE ALL ON FUNCTION ' || signature || ' FROM PUBLIC';
        EXECUTE 'GRANT EXECUTE ON FUNCTION ' || signature || ' TO jobmonitor_gateway';
    END LOOP;
    REVOKE ALL ON FUNCTION gateway.end_sessions_of_user() FROM PUBLIC;
END $$;
