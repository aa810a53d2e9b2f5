-- For tables whose policy binds their owner too: only the rows of the account in app.account_id.
SET LOCAL row_security = on
