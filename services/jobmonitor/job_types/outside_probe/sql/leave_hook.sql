-- A job began, or ended like this.
INSERT INTO probe.hooks (account_id, job_id, hook, state, done, total)
VALUES (:account_id, :job_id, :hook, :state, :done, :total)
