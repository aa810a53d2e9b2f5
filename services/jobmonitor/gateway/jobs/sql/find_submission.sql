-- What was asked under this job id, with what is needed to show it before the projection does.
SELECT s.job_id, s.account_id, s.owner_id, s.job_type, s.reference, s.run_at, s.request_sha256, s.submitted_at,
       s.unconfirmed_at, users.name AS owner_name, accounts.display_tz::text AS zone
FROM gateway.submissions AS s
JOIN crm.accounts ON accounts.id = s.account_id
LEFT JOIN crm.users ON users.id = s.owner_id
WHERE s.job_id = :job_id
