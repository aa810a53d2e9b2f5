-- Write down for how long we keep what is dropped some day, for who checks it.
INSERT INTO registry.retention AS r (what, kept)
VALUES ('jobs', make_interval(months => :history_months)), ('runs', make_interval(days => :run_days)),
       ('row outcomes', make_interval(days => :row_outcome_days))
ON CONFLICT (what) DO UPDATE SET kept = excluded.kept, told_at = now()
WHERE r.kept <> excluded.kept
