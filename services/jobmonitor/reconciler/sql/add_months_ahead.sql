-- Make the partitions of the months to come, as far as they lack.
SELECT registry.add_months_ahead()
