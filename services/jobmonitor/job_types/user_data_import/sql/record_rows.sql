-- Record what became of these rows of the job. A row recorded twice is an error.
INSERT INTO crm.import_rows (account_id, job_id, row_no, outcome, entity, entity_id, code, message)
SELECT :account_id, :job_id, done.row_no, done.outcome, CASE WHEN done.supporter_id IS NOT NULL THEN 'supporter' END, done.supporter_id,
       nullif(done.code, ''), nullif(done.message, '')
FROM unnest(:row_nos::int[], :outcomes::text[], :supporters::bigint[], :codes::text[], :messages::text[])
    AS done (row_no, outcome, supporter_id, code, message)
