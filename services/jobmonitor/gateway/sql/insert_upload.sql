-- A file of this user ($3) of this account ($2), unless they keep as many ($8) as they may; nothing then.
INSERT INTO crm.uploads (id, account_id, uploaded_by, name, media_type, size_bytes, sha256)
SELECT $1, $2, $3, $4, $5, $6, $7
WHERE (SELECT count(*) FROM crm.uploads WHERE account_id = $2 AND uploaded_by = $3) < $8
RETURNING created_at
