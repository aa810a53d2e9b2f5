-- How many bytes of results the viewer's account keeps.
SELECT ledger.kept_result_bytes()
