-- Somebody has logged out.
SELECT gateway.end_session($1)
