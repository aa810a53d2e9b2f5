-- Expired runs whose files may still lie there.
SELECT job_id, account_id FROM ledger.runs WHERE expired AND NOT purged LIMIT $1
