-- The first jobs that this job submitted, wherever they are listed, with their owners' names and the account's zone.
SELECT listed.*, users.name AS owner_name, accounts.display_tz::text AS zone
FROM (
    SELECT 'monitor' AS view, m.* FROM projection.job_monitor AS m WHERE m.parent_job_id = :job_id
    UNION ALL
    SELECT 'history' AS view, h.* FROM projection.job_history AS h WHERE h.parent_job_id = :job_id
    ORDER BY number
    LIMIT :limit
) AS listed
JOIN crm.accounts ON accounts.id = listed.account_id
LEFT JOIN crm.users ON users.id = listed.owner_id
ORDER BY listed.number
