-- Sessions that have ended.
DELETE FROM gateway.sessions WHERE expires_at <= now()
