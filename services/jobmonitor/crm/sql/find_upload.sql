-- What is known of this uploaded file, if this user sent it or is a Super Admin of its account?
SELECT id, job_type, name, media_type, size_bytes, sha256, created_at, contents
FROM crm.uploads
WHERE id = :upload_id AND (uploaded_by = :user_id OR EXISTS (SELECT FROM crm.users WHERE id = :user_id AND user_type = 'super_admin'))
