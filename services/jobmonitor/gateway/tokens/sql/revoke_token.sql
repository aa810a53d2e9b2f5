-- This token is not to be used any more, if it is live, and of this owner or anybody of the account.
UPDATE crm.api_tokens SET revoked_at = now()
WHERE id = :token_id AND account_id = :account_id AND (:owner::bigint IS NULL OR user_id = :owner) AND revoked_at IS NULL
RETURNING user_id
