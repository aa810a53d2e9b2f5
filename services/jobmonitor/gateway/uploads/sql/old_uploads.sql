-- Which uploads, at most :limit, are older than :age and needed by no job any more?
SELECT id, account_id FROM crm.uploads
WHERE created_at < now() - :age::interval AND NOT ledger.upload_is_needed(id)
ORDER BY created_at
LIMIT :limit
