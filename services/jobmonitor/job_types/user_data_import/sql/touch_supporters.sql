-- These supporters ($1) were changed.
UPDATE crm.supporters SET modified_at = now() WHERE id = ANY($1::bigint[])
