-- Accounts with jobs that wait for room.
SELECT DISTINCT account_id
FROM ledger.runs
WHERE state = 'queued' AND NOT admitted
ORDER BY account_id
