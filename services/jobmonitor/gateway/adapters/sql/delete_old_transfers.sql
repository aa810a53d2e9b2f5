-- Downloads nobody went on with; their results have expired or were received.
DELETE FROM gateway.transfers WHERE updated_at < now() - interval '60 days'
