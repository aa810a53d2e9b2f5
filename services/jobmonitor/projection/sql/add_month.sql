-- Make the partition of this month in the history of this schema, if there is none.
SELECT registry.add_history_month('{schema}', :month)
