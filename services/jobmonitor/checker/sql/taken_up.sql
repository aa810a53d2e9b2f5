-- Jobs that were accepted and whose runs are no longer kept.
SELECT job_id FROM ledger.taken_up
