-- The first chunk of these jobs, their plan, handed out at once. One that is there already stays as it is.
INSERT INTO ledger.chunks (job_id, chunk, kind, state, dispatched_at)
SELECT job_id, 0, 'plan', 'dispatched', clock_timestamp()
FROM unnest(:job_ids::uuid[]) AS job_id
ON CONFLICT (job_id, chunk) DO NOTHING
