-- Record what became of these rows ($3) of the job ($2). A row recorded twice is an error.
INSERT INTO crm.import_rows (account_id, job_id, row_no, outcome, entity, entity_id, code, message)
SELECT $1, $2, done.row_no, done.outcome, CASE WHEN done.supporter_id IS NOT NULL THEN 'supporter' END, done.supporter_id,
       nullif(done.code, ''), nullif(done.message, '')
FROM unnest($3::int[], $4::text[], $5::bigint[], $6::text[], $7::text[])
    AS done (row_no, outcome, supporter_id, code, message)
