-- Make the partitions for the jobs of this month in the views of this schema, as far as they lack. Whether there were all.
SELECT registry.add_month('{schema}', :month)
