-- Kafka has confirmed these. Should the server forget the deletion in a crash, they are sent once more: no harm.
WITH hurry AS (SELECT set_config('synchronous_commit', 'off', true))
DELETE FROM ledger.outbox
USING hurry
WHERE id = ANY (:ids::bigint[])
