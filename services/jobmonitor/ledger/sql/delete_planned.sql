-- What an earlier attempt at a job's plan has written: nothing of it was handed out.
DELETE FROM ledger.chunks
WHERE job_id = :job_id AND state = 'waiting'
