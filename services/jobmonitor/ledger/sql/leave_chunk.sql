-- Adds a piece of work that another one left, which may have been left itself before. Handed out, it may be claimed when the
-- pause is over.
INSERT INTO ledger.chunks (
    job_id, kind, chunk, units, payload, state, dispatched_at, lease_until, times_left, left_at, attempt, uncounted,
    last_error
)
VALUES (
    :job_id, 'work', :chunk, :units, :payload, CASE WHEN :handed_out::boolean THEN 'dispatched' ELSE 'waiting' END,
    CASE WHEN :handed_out::boolean THEN now() END, now() + :pause::interval, :times_left,
    (SELECT coalesce(left_at, now()) FROM ledger.chunks WHERE job_id = :job_id AND chunk = :left_by), :attempt,
    :uncounted, :last_error
)
