-- What the gateway accepted in the last weeks, under which job id.
SELECT job_id, account_id, owner_id, job_type FROM gateway.submissions
