-- Drop the oldest month of row outcomes if it is old enough: which.
SELECT crm.drop_import_rows(:kept_days, :patience_ms)
