-- The tokens of this owner, or of the whole account: live ones first, each the newest first.
SELECT tokens.id, tokens.user_id, users.name AS user_name, tokens.kind, tokens.created_at, tokens.revoked_at
FROM crm.api_tokens AS tokens
JOIN crm.users ON users.id = tokens.user_id
WHERE tokens.account_id = :account_id AND (:owner::bigint IS NULL OR tokens.user_id = :owner)
ORDER BY tokens.revoked_at IS NOT NULL, tokens.id DESC
LIMIT :limit
