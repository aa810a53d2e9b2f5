-- Does a job that has not ended read this upload?
SELECT ledger.upload_is_needed(:upload_id)
