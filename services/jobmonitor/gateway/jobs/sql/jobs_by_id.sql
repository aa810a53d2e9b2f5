-- These jobs, wherever they are listed, with their owners' names and the account's zone.
SELECT listed.*, users.name AS owner_name, accounts.display_tz::text AS zone
FROM (
    SELECT 'monitor' AS view, m.* FROM projection.job_monitor AS m WHERE m.job_id = ANY (:job_ids::uuid[])
    UNION ALL
    -- the month finds the partition
    SELECT 'history' AS view, h.*
    FROM registry.job_numbers AS r
    JOIN projection.job_history AS h ON h.job_id = r.job_id AND h.month = r.month
    WHERE r.job_id = ANY (:job_ids::uuid[])
) AS listed
JOIN crm.accounts ON accounts.id = listed.account_id
LEFT JOIN crm.users ON users.id = listed.owner_id
