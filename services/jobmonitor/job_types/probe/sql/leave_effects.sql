-- A probe's effects: a row for each unit from the first to the last.
INSERT INTO probe.effects (account_id, job_id, unit)
SELECT $1, $2, unit FROM generate_series($3::bigint, $4::bigint) AS unit
