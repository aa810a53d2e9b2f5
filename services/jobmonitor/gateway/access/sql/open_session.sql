-- Opens a session for who has this address and this hash of their password, if they may log in.
SELECT user_id, account_id, active, opened FROM gateway.open_session(:email, :password_hash, :token_sha256, :idle)
