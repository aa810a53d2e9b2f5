-- What did these supporters ($1) answer to these questions ($2)? A yes that waits for its confirmation is none yet.
SELECT answers.supporter_id, answers.question_id, answers.value
FROM crm.answers
JOIN crm.questions ON questions.id = answers.question_id
WHERE answers.supporter_id = ANY($1::bigint[]) AND answers.question_id = ANY($2::bigint[])
  AND NOT (questions.kind = 'opt_in_confirm' AND answers.value = 'Y' AND answers.confirmed_at IS NULL)
