-- When units of this chunk were left for later first.
ALTER TABLE ledger.chunks ADD COLUMN left_at timestamptz;
