-- Requests that a worker has begun to handle and has not ended. What stands here when nobody handles it was under way when
-- a worker was killed without a word: for its memory, say. Unlogged: written for every batch, and a crash of the server
-- may forget it.
CREATE UNLOGGED TABLE ledger.begun_requests (
    -- whose messages they are: a topic
    reader text NOT NULL,
    -- what all copies of a message have in common
    message text NOT NULL,
    -- how often it was begun apart from all others
    alone int NOT NULL DEFAULT 0,
    begun_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (reader, message)
);
GRANT SELECT, INSERT, UPDATE, DELETE ON ledger.begun_requests TO jobmonitor_worker;
