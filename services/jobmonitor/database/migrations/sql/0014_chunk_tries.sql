-- What the rules for trying a chunk again need to know of it.
ALTER TABLE ledger.chunks
    -- attempts that used up no try: a service was away, or the chunk was given back at a stop
    ADD COLUMN uncounted int NOT NULL DEFAULT 0,
    -- since when a service it needs is away; null while none is
    ADD COLUMN outage_since timestamptz,
    -- how often its hint was sent again since anybody claimed it
    ADD COLUMN hints int NOT NULL DEFAULT 0;
