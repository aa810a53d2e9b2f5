-- All runs, one JSON document each.
SELECT row_to_json(r)::text AS document FROM ledger.runs AS r
