-- A file of this user ($3) of this account ($2), unless they keep as many ($9), or their account as many bytes ($10), as they
-- may; nothing then.
INSERT INTO crm.uploads (id, account_id, uploaded_by, name, media_type, size_bytes, sha256, contents)
SELECT $1, $2, $3, $4, $5, $6::bigint, $7, $8
WHERE (SELECT count(*) FROM crm.uploads WHERE account_id = $2 AND uploaded_by = $3) < $9
  AND (SELECT coalesce(sum(size_bytes), 0) FROM crm.uploads WHERE account_id = $2) + $6::bigint <= $10::bigint
RETURNING created_at
