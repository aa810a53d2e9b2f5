-- How many rows of the outbox Kafka does not take, and how long the oldest row waits, in seconds.
SELECT count(*) FILTER (WHERE refusal IS NOT NULL) AS refused,
       coalesce(extract(epoch FROM now() - min(created_at)), 0)::float8 AS oldest_s
FROM ledger.outbox
