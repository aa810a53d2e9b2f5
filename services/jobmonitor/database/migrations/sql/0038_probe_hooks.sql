-- What the hooks of outside probes leave when jobs begin and end. Without a key on purpose: what is done twice has to show.
CREATE TABLE probe.hooks (
    account_id bigint NOT NULL,
    job_id uuid NOT NULL,
    hook text NOT NULL,
    state text NOT NULL,
    done bigint NOT NULL,
    total bigint NOT NULL
);
GRANT SELECT, INSERT ON probe.hooks TO jobmonitor_worker;
