-- Somebody has logged in.
INSERT INTO gateway.sessions (token_sha256, account_id, user_id, expires_at) VALUES ($1, $2, $3, now() + $4::interval)
