-- Which of these sessions are still alive?
SELECT gateway.live_sessions(:tokens) AS token_sha256
