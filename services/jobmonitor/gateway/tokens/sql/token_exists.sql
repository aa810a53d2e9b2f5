-- Is there such a token, live or not, of this owner or anybody of the account?
SELECT true FROM crm.api_tokens
WHERE id = :token_id AND account_id = :account_id AND (:owner::bigint IS NULL OR user_id = :owner)
