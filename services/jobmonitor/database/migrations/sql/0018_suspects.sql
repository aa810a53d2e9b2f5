-- Messages that ended the process that handled them; how often, and which of them were put aside. See runtime.poison.
CREATE TABLE ledger.suspects (
    -- whose messages they are: a topic
    reader text NOT NULL,
    -- what all copies of a message have in common
    message text NOT NULL,
    ends int NOT NULL DEFAULT 1,
    last_error text NOT NULL,
    first_at timestamptz NOT NULL DEFAULT now(),
    last_at timestamptz NOT NULL DEFAULT now(),
    put_aside_at timestamptz,
    -- put aside, and no message of the reader went well since
    in_a_row boolean NOT NULL DEFAULT false,
    PRIMARY KEY (reader, message)
);
GRANT SELECT, INSERT, UPDATE, DELETE ON ledger.suspects TO jobmonitor_worker;
