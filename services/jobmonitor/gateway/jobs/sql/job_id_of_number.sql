-- Which job has this Job#?
SELECT job_id FROM registry.job_numbers WHERE number = :number
