-- The viewer has received all of this job (first time: the fact to send, which is in the outbox already).
SELECT place, topic, key, value, type FROM ledger.record_download(:job_id)
