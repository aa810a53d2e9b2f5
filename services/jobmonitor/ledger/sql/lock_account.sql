-- Until the end of the transaction nobody else admits jobs of this account.
SELECT pg_advisory_xact_lock(hashtextextended('admission', :account_id))
