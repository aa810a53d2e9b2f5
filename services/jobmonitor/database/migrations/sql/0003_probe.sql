-- What probe jobs leave behind. Without a key on purpose: a unit done twice has to show.
CREATE SCHEMA probe;
CREATE TABLE probe.effects (
    account_id bigint NOT NULL,
    job_id uuid NOT NULL,
    unit bigint NOT NULL
);
GRANT USAGE ON SCHEMA probe TO jobmonitor_worker;
GRANT SELECT, INSERT ON probe.effects TO jobmonitor_worker;
