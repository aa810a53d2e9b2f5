-- Who gave any of these answers (null takes any answer)? A yes that waits for its confirmation is none yet.
SELECT answers.supporter_id
FROM unnest(:questions::bigint[], :answers::text[]) AS wanted (question_id, value)
JOIN crm.answers ON answers.question_id = wanted.question_id AND (wanted.value IS NULL OR answers.value = wanted.value)
JOIN crm.questions ON questions.id = answers.question_id
WHERE NOT (questions.kind = 'opt_in_confirm' AND answers.value = 'Y' AND answers.confirmed_at IS NULL)
