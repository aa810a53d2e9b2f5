-- What are these questions called? In the order given.
SELECT questions.id, questions.name
FROM unnest(:questions::bigint[]) WITH ORDINALITY AS wanted (id, position)
JOIN crm.questions ON questions.id = wanted.id
ORDER BY wanted.position
