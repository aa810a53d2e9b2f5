-- The viewer has received bytes $3 up to, not including, $4: is all of the result ($5 bytes) there by now?
INSERT INTO gateway.transfers AS t (job_id, user_id, received) VALUES ($1, $2, int8multirange(int8range($3, $4)))
ON CONFLICT (job_id, user_id) DO UPDATE SET received = t.received + excluded.received, updated_at = now()
RETURNING received @> int8range(0, $5) AS complete
