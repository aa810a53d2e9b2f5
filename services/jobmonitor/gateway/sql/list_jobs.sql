-- A page of the monitor or the history ({view}), newest first, below a place in that order ($7, $8).
SELECT '{view}' AS view, j.*, users.name AS owner_name, accounts.display_tz::text AS zone
FROM projection.job_{view} AS j
JOIN crm.accounts ON accounts.id = j.account_id
LEFT JOIN crm.users ON users.id = j.owner_id
WHERE j.account_id = $1 AND ($2::bigint IS NULL OR j.owner_id = $2)
  AND ($3::text IS NULL OR $3 = CASE
        WHEN j.state = 'scheduled' THEN 'scheduled'
        WHEN j.state IN ('queued', 'running', 'stopping') THEN 'running'
        WHEN j.state = 'failed' OR (j.expired_at IS NULL AND (j.result ->> 'expires_at')::timestamptz > now()) THEN 'ready'
      END)
  -- a search: in the reference, the beginning of the Job#, or the names of the types
  AND ($4::text IS NULL OR j.reference ILIKE $4 OR j.number::text LIKE $5 OR j.job_type = ANY ($6::text[]))
  AND (j.sort_at, j.number) < ($7::timestamptz, $8::bigint)
ORDER BY j.sort_at DESC, j.number DESC
LIMIT $9
