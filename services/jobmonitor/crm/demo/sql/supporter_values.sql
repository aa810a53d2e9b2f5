-- What is known of each supporter? Some of it awkward on purpose.
INSERT INTO crm.supporter_values (account_id, supporter_id, field_id, value)
SELECT :account::bigint, people.id, fields.id, known.value
FROM (
    SELECT id, pg_temp.pick(:towns::text[], pg_temp.draw(id, 22)) AS town
    FROM crm.supporters
    WHERE account_id = :account::bigint
    ORDER BY id
    OFFSET 0
) AS people
CROSS JOIN LATERAL (
    VALUES
        ('title', pg_temp.pick(:titles::text[], pg_temp.draw(id, 23))),
        ('first_name', pg_temp.pick(:first_names::text[], pg_temp.draw(id, 20))),
        ('last_name', pg_temp.pick(:last_names::text[], pg_temp.draw(id, 21))),
        ('address1', 1 + floor(pg_temp.draw(id, 24) * 300)::int || ' ' || pg_temp.pick(:streets::text[], pg_temp.draw(id, 25))
                     || ' Street'),
        ('address2', CASE WHEN pg_temp.draw(id, 26) < 0.15 THEN 'Flat ' || 1 + floor(pg_temp.draw(id, 27) * 40)::int END),
        ('city', split_part(town, '|', 1)),
        ('region', split_part(town, '|', 2)),
        ('postcode', split_part(town, '|', 3)),
        ('country', split_part(town, '|', 4)),
        ('phone_number', CASE WHEN pg_temp.draw(id, 28) < 0.6
                              THEN '(555) 010-' || lpad(floor(pg_temp.draw(id, 29) * 10000)::int::text, 4, '0') END),
        ('Preferred Language', pg_temp.pick('{English,English,English,Español,Français,"中文, 简体"}', pg_temp.draw(id, 30))),
        ('Social Handle', CASE WHEN pg_temp.draw(id, 31) < 0.2 THEN '@friend' || id END),
        ('Account Balance', CASE WHEN pg_temp.draw(id, 32) < 0.1
                                 THEN round((pg_temp.draw(id, 33) * 200 - 100)::numeric, 2)::text END),
        ('Notes', CASE WHEN pg_temp.draw(id, 34) < 0.12 THEN pg_temp.pick(:notes::text[], pg_temp.draw(id, 35)) END)
) AS known (name, value)
JOIN crm.ads_fields AS fields ON fields.account_id = :account::bigint AND coalesce(fields.tag, fields.name) = known.name
WHERE known.value <> ''
