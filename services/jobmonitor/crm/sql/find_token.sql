-- Whose live token has this hash?
SELECT account_id, user_id, token_id FROM crm.find_token(:token_hash)
