-- Whose session is this? It is in use and lives on.
SELECT account_id, user_id FROM gateway.use_session(:token_sha256, :idle, :greatest_age)
