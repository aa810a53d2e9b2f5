-- What did these supporters ($1) answer to these questions ($2), and by which way? Also what waits for confirmation.
SELECT supporter_id, question_id, value, source
FROM crm.answers
WHERE supporter_id = ANY($1::bigint[]) AND question_id = ANY($2::bigint[])
