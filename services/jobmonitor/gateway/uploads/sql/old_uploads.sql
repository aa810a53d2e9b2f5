-- Which uploads, at most $2, are older than $1 and needed by no job any more?
SELECT id, account_id FROM crm.uploads
WHERE created_at < now() - $1::interval AND NOT ledger.upload_is_needed(id)
ORDER BY created_at
LIMIT $2
