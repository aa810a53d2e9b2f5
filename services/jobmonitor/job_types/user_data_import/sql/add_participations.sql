-- Record for this job ($2) that these supporters ($3) took part in these campaigns ($4), each by its type ($5).
INSERT INTO crm.activities (account_id, supporter_id, campaign_id, type, occurred_at, source, job_id)
SELECT $1, new.supporter_id, new.campaign_id, new.type, now(), 'import', $2
FROM unnest($3::bigint[], $4::bigint[], $5::text[]) WITH ORDINALITY AS new (supporter_id, campaign_id, type, place)
ORDER BY new.place
