-- Give each of these jobs that has none yet its Job#, in the order given.
INSERT INTO registry.job_numbers (job_id)
SELECT n.job_id
FROM unnest(:job_ids::uuid[]) WITH ORDINALITY AS n (job_id, place)
WHERE NOT EXISTS (SELECT FROM registry.job_numbers AS r WHERE r.job_id = n.job_id)
ORDER BY n.place
ON CONFLICT (job_id) DO NOTHING
