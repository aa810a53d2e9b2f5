-- What did supporters do on pages? A few do a lot, many little; one in ten came by an import, without a page.
INSERT INTO crm.activities (
    account_id, supporter_id, campaign_id, type, status, data, external_refs, occurred_at, modified_at, source
)
SELECT :account::bigint, done.supporter_id,
       CASE WHEN done.imported THEN NULL ELSE (:campaigns::bigint[])[done.place] END,
       done.type,
       CASE WHEN done.type = 'QCB' THEN 'Y' ELSE 'success' END,
       CASE done.type
           WHEN 'PET' THEN jsonb_build_array(CASE WHEN pg_temp.draw(done.key, 55) < 0.3 THEN 'Please act, "now", for our river' ELSE '' END)
           WHEN 'ETT' THEN jsonb_build_array('Rep. Example', 'No new dam', E'Dear representative,\nplease vote no.\n')
           WHEN 'EVT' THEN jsonb_build_array((1 + floor(pg_temp.draw(done.key, 55) * 4)::int)::text, 'Adult ticket')
           WHEN 'SUR' THEN jsonb_build_array(pg_temp.pick(:answers::text[], pg_temp.draw(done.key, 55)))
           ELSE jsonb_build_array('E-mail updates', 'Y')
       END,
       CASE WHEN pg_temp.draw(done.key, 56) < 0.2 THEN jsonb_build_array('spring-' || done.place, '', 'leaflet') ELSE '[]' END,
       done.occurred_at, done.occurred_at,
       CASE WHEN done.imported THEN 'import' ELSE 'page' END
FROM (
    SELECT supporters.id AS supporter_id, chosen.key, chosen.place, (:types::text[])[chosen.place] AS type,
           pg_temp.draw(chosen.key, 53) < 0.1 AS imported,
           created_at + (modified_at - created_at) * pg_temp.draw(chosen.key, 52) AS occurred_at
    FROM crm.supporters
    CROSS JOIN LATERAL generate_series(
        1, least(40, floor(-ln(1 - pg_temp.draw(supporters.id, 50)) * :mean::float8)::int)
    ) AS number
    CROSS JOIN LATERAL (
        SELECT supporters.id * 64 + number,
               1 + floor(pg_temp.draw(supporters.id * 64 + number, 51) * cardinality(:types::text[]))::int
    ) AS chosen (key, place)
    WHERE supporters.account_id = :account::bigint
) AS done
