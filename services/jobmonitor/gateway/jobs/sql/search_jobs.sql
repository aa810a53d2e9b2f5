-- As list_jobs, but only what fits other conditions too, looked for in the next :looked_at jobs. In every row, and in a
-- row of nothing else if nothing fits: the last job looked at, where there may be more behind it.
WITH looked_at AS MATERIALIZED (
    SELECT j.*
    FROM projection.job_{view} AS j
    WHERE {owner_filter}
      AND (j.sort_at, j.number) < (:below_at::timestamptz, :below_number::bigint) AND j.sort_at >= :since::timestamptz
    ORDER BY j.sort_at DESC, j.number DESC
    LIMIT :looked_at
), page AS (
    SELECT *
    FROM looked_at AS j
    WHERE (NOT :ready::boolean OR j.state = 'failed'
           OR (j.expired_at IS NULL AND (j.result ->> 'expires_at')::timestamptz > now()))
      AND (:job_type::text IS NULL OR j.job_type = :job_type)
      -- in the reference, the beginning of the Job#, or the types whose names match
      AND (:reference_like::text IS NULL OR j.reference ILIKE :reference_like
           OR j.number::text LIKE :number_like OR j.job_type = ANY (:slugs::text[]))
    ORDER BY j.sort_at DESC, j.number DESC
    LIMIT :limit
)
SELECT last.sort_at AS last_sort_at, last.number AS last_number,
       '{view}' AS view, page.*, users.name AS owner_name, accounts.display_tz::text AS zone
FROM (SELECT) AS one
LEFT JOIN (SELECT sort_at, number FROM looked_at OFFSET :looked_at - 1 LIMIT 1) AS last ON true
LEFT JOIN page ON true
LEFT JOIN crm.accounts ON accounts.id = page.account_id
LEFT JOIN crm.users ON users.id = page.owner_id
ORDER BY page.sort_at DESC, page.number DESC
