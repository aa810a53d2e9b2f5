-- Whose session is this ($1)? It is in use and lives on.
SELECT account_id, user_id FROM gateway.use_session($1, $2, $3)
