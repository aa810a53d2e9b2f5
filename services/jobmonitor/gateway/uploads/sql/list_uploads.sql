-- The files this user of this account sent, of one job type or (null) of all, the newest first.
SELECT id, job_type, name, size_bytes, created_at, ledger.upload_is_needed(id) AS needed
FROM crm.uploads WHERE account_id = :account_id AND uploaded_by = :user_id
  AND (:job_type::text IS NULL OR job_type = :job_type)
ORDER BY created_at DESC, id
