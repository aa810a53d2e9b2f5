-- Accounts share the workers: a job waits in the queue until its account has room for one more.
ALTER TABLE ledger.runs
    ADD COLUMN admitted boolean NOT NULL DEFAULT false,
    -- what it writes, where only one job of its account may do so at a time
    ADD COLUMN writes text,
    -- when its result does
    ADD COLUMN expires_at timestamptz;
UPDATE ledger.runs SET admitted = true WHERE state IN ('queued', 'running', 'stopping');
UPDATE ledger.runs SET expires_at = (result ->> 'expires_at')::timestamptz WHERE result IS NOT NULL;
CREATE INDEX runs_at_work ON ledger.runs (account_id) WHERE admitted AND state IN ('queued', 'running', 'stopping');
CREATE INDEX runs_waiting ON ledger.runs (account_id, created_at, job_id) WHERE state = 'queued' AND NOT admitted;
CREATE INDEX runs_stopping ON ledger.runs (job_id) WHERE state = 'stopping';
CREATE INDEX runs_failed ON ledger.runs (updated_at) WHERE state = 'failed' AND NOT expired;
DROP INDEX ledger.runs_with_result;
CREATE INDEX runs_with_result ON ledger.runs (expires_at) WHERE NOT expired;
-- A plan is made when its job is admitted.
DELETE FROM ledger.chunks WHERE kind = 'plan' AND state = 'waiting';

-- A row holds all messages of one transaction, in order.
ALTER TABLE ledger.outbox RENAME TO outbox_before_0_2;
CREATE TABLE ledger.outbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topics text[] NOT NULL,
    keys bytea[] NOT NULL,
    values bytea[] NOT NULL,
    types text[] NOT NULL,
    send_after timestamptz NOT NULL DEFAULT now()
);
INSERT INTO ledger.outbox (topics, keys, values, types)
SELECT ARRAY[topic], ARRAY[key], ARRAY[value], ARRAY[convert_from(value, 'UTF8')::json ->> 'type']
FROM ledger.outbox_before_0_2
ORDER BY id;
DROP TABLE ledger.outbox_before_0_2;
GRANT SELECT, INSERT, UPDATE, DELETE ON ledger.outbox TO jobmonitor_worker;
GRANT SELECT, INSERT, DELETE ON ledger.outbox TO jobmonitor_gateway;
