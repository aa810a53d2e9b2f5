-- Adds a chunk to a job, waiting to be dispatched.
INSERT INTO ledger.chunks (job_id, kind, chunk, units, payload)
VALUES (:job_id, :kind, :chunk, :units, :payload)
