-- The viewer has received the bytes from :start to before :end: is all of the result there by now?
INSERT INTO gateway.transfers AS t (job_id, user_id, received) VALUES (:job_id, :user_id, int8multirange(int8range(:start, :end)))
ON CONFLICT (job_id, user_id) DO UPDATE SET received = t.received + excluded.received, updated_at = now()
RETURNING received @> int8range(0, :size_bytes) AS complete
