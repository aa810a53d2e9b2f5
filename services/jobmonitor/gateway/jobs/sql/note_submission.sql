-- Note what is about to be published under this job id; nothing comes back when the id stands for another request.
INSERT INTO gateway.submissions AS s
    (job_id, account_id, owner_id, job_type, reference, run_at, request_sha256, submitted_at)
VALUES (:job_id, :account_id, :owner_id, :job_type, :reference, :run_at, :request_sha256, now())
ON CONFLICT (job_id) DO UPDATE SET unconfirmed_at = NULL WHERE s.request_sha256 = excluded.request_sha256
RETURNING job_id
