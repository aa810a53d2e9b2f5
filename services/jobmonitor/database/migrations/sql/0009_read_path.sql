-- Lists cost the same with ten jobs and with ten million.

-- As before, but the planner takes the second half for likely. It took "own, or everybody's" for rare, thought that
-- nearly nothing would be left of an account, and read all of it to sort that.
CREATE OR REPLACE FUNCTION projection.may_see(account bigint, owner bigint) RETURNS boolean
LANGUAGE sql STABLE AS $$
    SELECT account = nullif(current_setting('app.account_id', true), '')::bigint
       AND CASE WHEN current_setting('app.user_type', true) = 'super_admin' THEN true
                ELSE owner = nullif(current_setting('app.user_id', true), '')::bigint END
$$;

-- In the order of these indexes too come the jobs of one person or one type, among all others. Where statistics say that a
-- month has one person only, reading it so to drop the others' jobs looks as cheap as their own index, and costs all of the
-- month. So they answer those only who ask for `number > 0`: whoever wants the whole account.
DROP INDEX projection.job_history_by_account;
DROP INDEX projection.job_monitor_by_account;
CREATE INDEX job_history_by_account ON projection.job_history (account_id, sort_at DESC, number DESC) WHERE number > 0;
CREATE INDEX job_monitor_by_account ON projection.job_monitor (account_id, sort_at DESC, number DESC) WHERE number > 0;

-- Newest first within one type.
CREATE INDEX job_history_by_type ON projection.job_history (account_id, job_type, sort_at DESC, number DESC);

-- What is running and what is scheduled, however many results wait in the monitor.
CREATE INDEX job_monitor_running ON projection.job_monitor (account_id, sort_at DESC, number DESC)
    WHERE state IN ('queued', 'running', 'stopping');
CREATE INDEX job_monitor_scheduled ON projection.job_monitor (account_id, sort_at DESC, number DESC)
    WHERE state = 'scheduled';

-- A name that is searched for, in whatever case. Comparing text cannot leak other accounts' rows, so the index answers
-- under row-level security, which it would not for lower(reference).
ALTER TABLE projection.job_monitor ADD COLUMN reference_key text GENERATED ALWAYS AS (lower(reference)) STORED;
ALTER TABLE projection.job_history ADD COLUMN reference_key text GENERATED ALWAYS AS (lower(reference)) STORED;
CREATE INDEX job_history_by_reference ON projection.job_history (account_id, reference_key, sort_at DESC, number DESC)
    WHERE reference_key IS NOT NULL;
CREATE INDEX job_monitor_by_reference ON projection.job_monitor (account_id, reference_key, sort_at DESC, number DESC)
    WHERE reference_key IS NOT NULL;
