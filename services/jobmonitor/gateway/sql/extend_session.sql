-- The session is in use: it lives on, but not beyond its greatest age.
UPDATE gateway.sessions SET expires_at = least(now() + $2::interval, created_at + $3::interval) WHERE token_sha256 = $1
