-- How many files does this user of this account keep, and how many bytes does the account?
SELECT count(*) FILTER (WHERE uploaded_by = :user_id) AS files, coalesce(sum(size_bytes), 0)::bigint AS account_bytes
FROM crm.uploads WHERE account_id = :account_id
