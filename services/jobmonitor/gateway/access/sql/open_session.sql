-- Opens a session ($3) for who has this address ($1) and this hash of their password ($2), if they may log in.
SELECT user_id, account_id, active, opened FROM gateway.open_session($1, $2, $3, $4)
