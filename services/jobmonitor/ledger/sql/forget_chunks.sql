-- An ended job needs no chunks; what they were stands in the timeline.
DELETE FROM ledger.chunks
WHERE job_id = $1
