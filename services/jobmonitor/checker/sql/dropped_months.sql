-- The months of jobs that were dropped: when they had become old enough, and before when their jobs had to have ended.
SELECT month, (month + interval '1 month' + kept) AT TIME ZONE 'UTC' AS due_at, dropped_at, dropped_at - kept AS ended_before
FROM registry.dropped_months
