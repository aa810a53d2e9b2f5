-- The newest jobs of the monitor or the history below a position in that order and not older than a moment.
SELECT '{view}' AS view, page.*, users.name AS owner_name, accounts.display_tz::text AS zone
FROM (
    SELECT j.*
    FROM projection.job_{view} AS j
    WHERE {owner_filter}
      AND (j.sort_at, j.number) < (:below_at::timestamptz, :below_number::bigint) AND j.sort_at >= :since::timestamptz
    ORDER BY j.sort_at DESC, j.number DESC
    LIMIT :limit
) AS page
JOIN crm.accounts ON accounts.id = page.account_id
LEFT JOIN crm.users ON users.id = page.owner_id
ORDER BY page.sort_at DESC, page.number DESC
