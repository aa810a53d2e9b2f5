-- Record for this job that these supporters took part in these campaigns, each by its type.
INSERT INTO crm.activities (account_id, supporter_id, campaign_id, type, occurred_at, source, job_id)
SELECT :account_id, new.supporter_id, new.campaign_id, new.type, now(), 'import', :job_id
FROM unnest(:supporters::bigint[], :campaigns::bigint[], :types::text[]) WITH ORDINALITY AS new (supporter_id, campaign_id, type, place)
ORDER BY new.place
