-- A message went well: what was put aside before was put aside for itself.
UPDATE ledger.suspects
SET in_a_row = false
WHERE reader = :reader AND in_a_row
