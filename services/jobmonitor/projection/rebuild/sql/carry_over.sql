-- Copy the rows of these jobs from the live table.
INSERT INTO projection_rebuild.{table} ({columns})
SELECT {columns} FROM projection.{table} WHERE job_id = ANY (:job_ids::uuid[])
