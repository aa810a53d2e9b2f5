-- These supporters were changed.
UPDATE crm.supporters SET modified_at = now() WHERE id = ANY(:supporters::bigint[])
