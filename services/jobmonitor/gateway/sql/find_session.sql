-- Whose session is this? `fresh` when it need not be extended yet.
SELECT account_id, user_id, expires_at > now() + $2::interval - interval '5 min' AS fresh
FROM gateway.sessions WHERE token_sha256 = $1 AND expires_at > now()
