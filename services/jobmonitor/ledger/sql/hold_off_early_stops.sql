-- Until the transaction ends, no stop decides that a job of these accounts (in ascending order) is not accepted yet.
SELECT pg_advisory_xact_lock_shared(hashtextextended('early stop', account_id)) FROM unnest(:account_ids::bigint[]) AS account_id
