-- A file of this user of this account for a job type, unless they keep as many, or their account as many bytes, as they may;
-- nothing then.
INSERT INTO crm.uploads (id, account_id, uploaded_by, job_type, name, media_type, size_bytes, sha256, contents)
SELECT :upload_id, :account_id, :user_id, :job_type, :name, :media_type, :size_bytes::bigint, :sha256, :contents
WHERE (SELECT count(*) FROM crm.uploads WHERE account_id = :account_id AND uploaded_by = :user_id) < :files_max
  AND (SELECT coalesce(sum(size_bytes), 0) FROM crm.uploads WHERE account_id = :account_id) + :size_bytes::bigint <= :account_bytes_max::bigint
RETURNING created_at
