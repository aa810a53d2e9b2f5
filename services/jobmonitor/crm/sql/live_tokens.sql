-- Which of these tokens are live, and of the account and user named beside them (arrays, side by side)?
SELECT account_id, user_id, token_id FROM crm.live_tokens(:accounts, :users, :tokens)
