-- What became of these units, in the same order.
INSERT INTO probe.outside_units (account_id, job_id, unit, outcome)
SELECT :account_id, :job_id, unit, outcome FROM unnest(:units::bigint[], :outcomes::text[]) AS settled (unit, outcome)
