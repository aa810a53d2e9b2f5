-- Lock these jobs until we commit, as far as they have a Job#, and give it, with its month.
SELECT job_id, number, month FROM registry.job_numbers WHERE job_id = ANY (:job_ids::uuid[]) ORDER BY job_id FOR NO KEY UPDATE
