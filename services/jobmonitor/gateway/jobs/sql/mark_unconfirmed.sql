-- The broker did not confirm the submission; its owner was told to try again.
UPDATE gateway.submissions SET unconfirmed_at = now() WHERE job_id = :job_id
