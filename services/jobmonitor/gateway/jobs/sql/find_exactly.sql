-- Jobs of the monitor or the history below a position and not older than a moment that are called just so, in upper or lower
-- case, or have this Job#. The type is no index's condition, whatever statistics say of it.
WITH found AS MATERIALIZED (
    (
        SELECT j.*
        FROM projection.job_{view} AS j
        WHERE {owner_filter} AND j.reference_key = lower(:called::text)
          AND (:job_type::text IS NULL OR j.job_type = :job_type)
          AND (j.sort_at, j.number) < (:below_at::timestamptz, :below_number::bigint) AND j.sort_at >= :since::timestamptz
        ORDER BY j.sort_at DESC, j.number DESC
        LIMIT :limit
    )
    UNION ALL
    (
        -- the month finds the partition
        SELECT j.*
        FROM registry.job_numbers AS r
        JOIN projection.job_{view} AS j ON j.number = r.number AND j.month = r.month
        WHERE r.number = :number::bigint AND j.account_id = :account_id
          AND (:owner_id::bigint IS NULL OR j.owner_id = :owner_id)
          AND (:job_type::text IS NULL OR j.job_type = :job_type)
          AND j.reference_key IS DISTINCT FROM lower(:called::text)
          AND (j.sort_at, j.number) < (:below_at::timestamptz, :below_number::bigint) AND j.sort_at >= :since::timestamptz
    )
)
SELECT '{view}' AS view, found.*, users.name AS owner_name, accounts.display_tz::text AS zone
FROM found
JOIN crm.accounts ON accounts.id = found.account_id
LEFT JOIN crm.users ON users.id = found.owner_id
ORDER BY found.sort_at DESC, found.number DESC
LIMIT :limit
