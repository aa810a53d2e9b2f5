-- The fact of a download was sent.
SELECT ledger.forget_download(:place, :value)
