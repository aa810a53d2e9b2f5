-- Somebody has logged out.
DELETE FROM gateway.sessions WHERE token_sha256 = $1
