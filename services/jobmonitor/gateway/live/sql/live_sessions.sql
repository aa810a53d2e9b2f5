-- Which of these sessions are still alive?
SELECT gateway.live_sessions($1) AS token_sha256
