-- The files this user of this account sent, the newest first.
SELECT id, name, media_type, size_bytes, created_at, ledger.upload_is_needed(id) AS needed
FROM crm.uploads WHERE account_id = :account_id AND uploaded_by = :user_id
ORDER BY created_at DESC, id
