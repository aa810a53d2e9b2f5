-- What is known of this upload ($1), and whose is it?
SELECT id, account_id, uploaded_by, name, media_type, size_bytes, sha256, created_at FROM crm.uploads WHERE id = $1
