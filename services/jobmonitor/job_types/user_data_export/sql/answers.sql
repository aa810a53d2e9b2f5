-- What did these supporters answer to these questions? A yes that waits for its confirmation is none yet.
SELECT answers.supporter_id, answers.question_id, answers.value
FROM crm.answers
JOIN crm.questions ON questions.id = answers.question_id
WHERE answers.supporter_id = ANY(:supporters::bigint[]) AND answers.question_id = ANY(:questions::bigint[])
  AND NOT (questions.kind = 'opt_in_confirm' AND answers.value = 'Y' AND answers.confirmed_at IS NULL)
