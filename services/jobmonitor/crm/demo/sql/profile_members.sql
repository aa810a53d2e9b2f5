-- Who was in each profile when it last ran?
INSERT INTO crm.profile_members (account_id, profile_id, supporter_id)
SELECT :account::bigint, profiles.id, members.supporter_id
FROM crm.profiles
JOIN (
    SELECT 'Active in the last year' AS profile, supporter_id
    FROM crm.activities
    WHERE account_id = :account::bigint AND occurred_at > :as_of::timestamptz - interval '1 year'
    GROUP BY supporter_id
    UNION ALL
    SELECT 'Major donors', supporter_id
    FROM crm.transactions
    WHERE account_id = :account::bigint AND status = 'success' AND removed_at IS NULL AND currency = :currency::text
    GROUP BY supporter_id
    HAVING sum(amount) >= 500
    UNION ALL
    SELECT 'New in the last 90 days', id
    FROM crm.supporters
    WHERE account_id = :account::bigint AND created_at > :as_of::timestamptz - interval '90 days'
) AS members ON members.profile = profiles.name
WHERE profiles.account_id = :account::bigint
