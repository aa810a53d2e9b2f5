-- Wait for those who are accepting jobs of the account; others wait until the transaction ends.
SELECT pg_advisory_xact_lock(hashtextextended('early stop', :account_id))
