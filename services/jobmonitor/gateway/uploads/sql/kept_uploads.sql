-- How many files does this user ($2) of this account ($1) keep, and how many bytes does the account?
SELECT count(*) FILTER (WHERE uploaded_by = $2) AS files, coalesce(sum(size_bytes), 0)::bigint AS account_bytes
FROM crm.uploads WHERE account_id = $1
