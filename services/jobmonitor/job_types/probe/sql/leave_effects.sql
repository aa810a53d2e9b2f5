-- A probe's effects: a row for each unit from the first to the last.
INSERT INTO probe.effects (account_id, job_id, unit)
SELECT :account_id, :job_id, unit FROM generate_series(:first::bigint, :last::bigint) AS unit
