-- Whose login is this e-mail address, before any account is known?
SELECT user_id, account_id, active, password_hash, may_log_in FROM crm.find_login($1)
