-- Drop the oldest month of jobs if it is old enough, or move what lasts of it to the present month: which, and how many moved.
SELECT old_month, moved FROM registry.drop_month(:kept_months, :jobs_max, :patience_ms)
