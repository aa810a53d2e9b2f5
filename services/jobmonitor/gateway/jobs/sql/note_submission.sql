-- Note what is about to be published under this job id; nothing comes back when the id stands for another request, or for a
-- job that was done so long ago that it is not kept any more.
INSERT INTO gateway.submissions AS s
    (job_id, account_id, owner_id, job_type, reference, run_at, request_sha256, submitted_at)
SELECT :job_id, :account_id, :owner_id, :job_type, :reference, :run_at, :request_sha256, now()
WHERE NOT EXISTS (SELECT FROM registry.job_numbers JOIN registry.dropped_months USING (month) WHERE job_id = :job_id)
ON CONFLICT (job_id) DO UPDATE SET unconfirmed_at = NULL WHERE s.request_sha256 = excluded.request_sha256
RETURNING job_id
