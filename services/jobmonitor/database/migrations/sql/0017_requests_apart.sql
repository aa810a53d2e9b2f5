-- A stop's moment is told by the fact it leads to, so the ledger keeps it.
ALTER TABLE ledger.runs ADD COLUMN stop_requested_at timestamptz;
