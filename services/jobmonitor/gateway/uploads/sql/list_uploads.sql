-- The files this user ($2) of this account ($1) sent, the newest first.
SELECT id, name, media_type, size_bytes, created_at, ledger.upload_is_needed(id) AS needed
FROM crm.uploads WHERE account_id = $1 AND uploaded_by = $2
ORDER BY created_at DESC, id
