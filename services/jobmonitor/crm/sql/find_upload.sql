-- What is known of this uploaded file ($1), if this user ($2) sent it or is a Super Admin of its account?
SELECT id, name, media_type, size_bytes, sha256, created_at, contents
FROM crm.uploads
WHERE id = $1 AND (uploaded_by = $2 OR EXISTS (SELECT FROM crm.users WHERE id = $2 AND user_type = 'super_admin'))
