-- Waits for whoever writes chunks of this job's plan at this moment, and lets nobody write any later: they hold its plan.
-- A statement of its own: one that waited would not see what was written meanwhile.
SELECT FROM ledger.chunks WHERE job_id = :job_id AND chunk = 0 FOR UPDATE
