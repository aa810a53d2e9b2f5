-- What did these supporters answer to these questions, and by which way? Also what waits for confirmation.
-- Locked: who unsubscribes at the same moment comes before this or after, not in between.
SELECT supporter_id, question_id, value, source
FROM crm.answers
WHERE supporter_id = ANY(:supporters::bigint[]) AND question_id = ANY(:questions::bigint[])
FOR UPDATE
