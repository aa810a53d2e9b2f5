-- The Job# and month of every job.
SELECT job_id, number, month FROM registry.job_numbers
