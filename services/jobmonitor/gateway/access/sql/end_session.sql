-- Somebody has logged out.
SELECT gateway.end_session(:token_sha256)
