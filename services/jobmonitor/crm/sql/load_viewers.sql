-- Who are these users, what may they do, and in which zone do they read times?
SELECT users.id AS user_id, users.account_id, users.email::text AS email, users.name, users.user_type,
       accounts.name AS account_name, coalesce(users.display_tz, accounts.display_tz)::text AS display_tz,
       ARRAY(SELECT permission FROM crm.group_permissions WHERE group_id = users.permission_group_id) AS permissions
FROM crm.users
JOIN crm.accounts ON accounts.id = users.account_id
WHERE users.id = ANY (:user_ids::bigint[]) AND users.active AND users.user_type <> 'system'
  AND (users.user_type <> 'user' OR users.permission_group_id IS NOT NULL)
