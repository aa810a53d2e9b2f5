-- Until when the assembly of a stopped job may take; NULL for every other chunk.
ALTER TABLE ledger.chunks ADD COLUMN assemble_until timestamptz;
