-- The live token of this user.
SELECT id FROM crm.api_tokens WHERE account_id = :account_id AND user_id = :user_id AND revoked_at IS NULL
