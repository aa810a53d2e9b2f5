-- Does a job that has not ended read this upload ($1)?
SELECT ledger.upload_is_needed($1)
