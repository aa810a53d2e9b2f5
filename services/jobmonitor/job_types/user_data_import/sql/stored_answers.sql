-- What did these supporters ($1) answer to these questions ($2), and by which way? Also what waits for confirmation.
-- Locked: who unsubscribes at the same moment comes before this or after, not in between.
SELECT supporter_id, question_id, value, source
FROM crm.answers
WHERE supporter_id = ANY($1::bigint[]) AND question_id = ANY($2::bigint[])
FOR UPDATE
