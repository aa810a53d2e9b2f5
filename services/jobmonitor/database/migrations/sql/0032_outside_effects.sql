-- Effects outside the database, and units that are left for later.
ALTER TABLE ledger.chunks
    -- one answer for each unit: what is to be done, or what became of it; there from its commit to the chunk's mark
    ADD COLUMN reserved jsonb,
    -- stays
    ADD COLUMN reserved_at timestamptz,
    -- how often its units were left for later before
    ADD COLUMN times_left int NOT NULL DEFAULT 0;

-- What probe jobs recorded of their effects outside. Without a key on purpose: a unit recorded twice has to show.
CREATE TABLE probe.outside_units (
    account_id bigint NOT NULL,
    job_id uuid NOT NULL,
    unit bigint NOT NULL,
    outcome text NOT NULL
);
GRANT SELECT, INSERT ON probe.outside_units TO jobmonitor_worker;
