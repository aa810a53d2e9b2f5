-- How did supporters answer the account's questions? A third of the opt-ins with confirmation still wait for theirs.
INSERT INTO crm.answers (account_id, supporter_id, question_id, value, confirmed_at, changed_at, source)
SELECT :account::bigint, asked.supporter_id, asked.question_id, answer.value,
       CASE WHEN asked.kind = 'opt_in_confirm' AND answer.value = 'Y' AND pg_temp.draw(asked.key, 43) < 0.66
            THEN asked.changed_at + interval '1 hour' END,
       asked.changed_at,
       pg_temp.pick('{page,page,page,import,api}', pg_temp.draw(asked.key, 44))
FROM (
    SELECT supporters.id AS supporter_id, questions.id AS question_id, questions.kind, supporters.id * 64 + questions.id AS key,
           created_at + (modified_at - created_at) * pg_temp.draw(supporters.id * 64 + questions.id, 40) AS changed_at
    FROM crm.supporters
    JOIN crm.questions ON questions.account_id = supporters.account_id
    WHERE supporters.account_id = :account::bigint
) AS asked
CROSS JOIN LATERAL (
    SELECT CASE WHEN asked.kind = 'question' THEN pg_temp.pick(:answers::text[], pg_temp.draw(asked.key, 42))
                WHEN pg_temp.draw(asked.key, 42) < 0.75 THEN 'Y' ELSE 'N' END
) AS answer (value)
WHERE pg_temp.draw(asked.key, 41) < 0.45
