-- A token of this user, unless they have a live one, or made as many within a day as they may; nothing then.
INSERT INTO crm.api_tokens (account_id, user_id, token_hash)
SELECT :account_id::bigint, :user_id::bigint, :token_hash::bytea
WHERE (
    SELECT count(*) FROM crm.api_tokens
    WHERE account_id = :account_id AND user_id = :user_id AND created_at > now() - interval '1 day'
) < :a_day
ON CONFLICT (user_id) WHERE revoked_at IS NULL DO NOTHING
RETURNING id, created_at
