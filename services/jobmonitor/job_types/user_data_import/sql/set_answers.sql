-- Give these supporters these answers to these questions, as far as the questions still exist. An import
-- confirms nothing.
INSERT INTO crm.answers (account_id, supporter_id, question_id, value, confirmed_at, changed_at, source)
SELECT :account_id, new.supporter_id, new.question_id, new.value, NULL, now(), 'import'
FROM unnest(:supporters::bigint[], :questions::bigint[], :answers::text[]) AS new (supporter_id, question_id, value)
JOIN crm.questions ON questions.id = new.question_id
ON CONFLICT (supporter_id, question_id)
    DO UPDATE SET value = excluded.value, confirmed_at = NULL, changed_at = excluded.changed_at, source = 'import'
