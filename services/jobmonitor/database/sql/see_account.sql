-- Let this connection see the CRM rows of one account, until the transaction ends.
SELECT set_config('app.account_id', :account_id, true)
