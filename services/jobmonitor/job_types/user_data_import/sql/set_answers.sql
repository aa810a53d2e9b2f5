-- Give these supporters ($2) these answers ($4) to these questions ($3), as far as the questions still exist. An import
-- confirms nothing.
INSERT INTO crm.answers (account_id, supporter_id, question_id, value, confirmed_at, changed_at, source)
SELECT $1, new.supporter_id, new.question_id, new.value, NULL, now(), 'import'
FROM unnest($2::bigint[], $3::bigint[], $4::text[]) AS new (supporter_id, question_id, value)
JOIN crm.questions ON questions.id = new.question_id
ON CONFLICT (supporter_id, question_id)
    DO UPDATE SET value = excluded.value, confirmed_at = NULL, changed_at = excluded.changed_at, source = 'import'
