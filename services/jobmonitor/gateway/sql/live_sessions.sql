-- Which of these sessions are still alive?
SELECT token_sha256 FROM gateway.sessions WHERE token_sha256 = ANY ($1::bytea[]) AND expires_at > now()
