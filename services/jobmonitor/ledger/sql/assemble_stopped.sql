-- Hands out the assembly of a stopped job, for so long; one that is there already goes on. Tells whether somebody is
-- running it right now, and whether its time is over.
INSERT INTO ledger.chunks AS c (job_id, chunk, kind, state, dispatched_at, assemble_until)
VALUES (:job_id, :chunk, 'assemble', 'dispatched', now(), now() + :within::interval)
ON CONFLICT (job_id, chunk) DO UPDATE SET assemble_until = coalesce(c.assemble_until, excluded.assemble_until)
RETURNING c.attempt, c.assemble_until < now() AS is_over,
    c.lease_token IS NOT NULL AND coalesce(c.lease_until >= now(), false) AS is_running
