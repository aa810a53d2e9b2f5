-- All that the catalogs say of these tables of this schema, without the schema's name. Of a partition, whose
-- indexes take their names as they come, only a line.
WITH t AS (
    SELECT c.*, i.inhparent
    FROM pg_class AS c
    LEFT JOIN pg_inherits AS i ON i.inhrelid = c.oid
    WHERE c.relnamespace = :schema_name::text::regnamespace AND c.relname = ANY (:table_names::text[])
), whole AS (
    SELECT * FROM t WHERE NOT relispartition
), lines AS (
    SELECT relname, 'table' AS kind, concat_ws(' ', relkind, relpersistence, relowner::regrole, reloptions::text,
        relrowsecurity, relforcerowsecurity, relreplident, pg_get_partkeydef(oid), pg_get_expr(relpartbound, oid),
        (SELECT relname FROM pg_class AS p WHERE p.oid = t.inhparent), obj_description(oid, 'pg_class')) AS line
    FROM t
    UNION ALL
    SELECT relname, 'right', concat_ws(' ', a.grantor::regrole, a.grantee::regrole, a.privilege_type, a.is_grantable)
    FROM whole AS t, aclexplode(coalesce(relacl, acldefault('r', relowner))) AS a
    UNION ALL
    SELECT relname, 'column', concat_ws(' ',
        lpad((row_number() OVER (PARTITION BY t.oid ORDER BY attnum))::text, 3, '0'), attname,
        format_type(atttypid, atttypmod), attnotnull, attidentity, attgenerated, attstorage, attcompression,
        nullif(attstattarget, -1), attcollation::regcollation, attoptions::text, attacl::text,
        pg_get_expr(d.adbin, d.adrelid), col_description(t.oid, attnum))
    FROM whole AS t
    JOIN pg_attribute AS a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_attrdef AS d ON d.adrelid = t.oid AND d.adnum = a.attnum
    UNION ALL
    SELECT relname, 'constraint', concat_ws(' ', conname, contype, pg_get_constraintdef(k.oid), convalidated,
        obj_description(k.oid, 'pg_constraint'))
    FROM whole AS t JOIN pg_constraint AS k ON k.conrelid = t.oid
    UNION ALL
    SELECT relname, 'index', concat_ws(' ', replace(pg_get_indexdef(indexrelid), ' ON ONLY ', ' ON '), indisvalid,
        indisclustered, indisreplident, obj_description(indexrelid, 'pg_class'))
    FROM whole AS t JOIN pg_index AS x ON x.indrelid = t.oid
    UNION ALL
    SELECT relname, 'policy', concat_ws(' ', p.policyname, permissive, roles::text, cmd, qual, with_check)
    FROM whole AS t JOIN pg_policies AS p ON p.schemaname = :schema_name AND p.tablename = t.relname
    UNION ALL
    SELECT relname, 'trigger', pg_get_triggerdef(g.oid) FROM whole AS t JOIN pg_trigger AS g ON g.tgrelid = t.oid AND NOT tgisinternal
    UNION ALL
    SELECT relname, 'rule', pg_get_ruledef(r.oid) FROM whole AS t JOIN pg_rewrite AS r ON r.ev_class = t.oid
    UNION ALL
    SELECT relname, 'statistics', pg_get_statisticsobjdef(s.oid) FROM whole AS t JOIN pg_statistic_ext AS s ON s.stxrelid = t.oid
    UNION ALL
    SELECT relname, 'publication', p.pubname
    FROM whole AS t JOIN pg_publication_rel AS m ON m.prrelid = t.oid JOIN pg_publication AS p ON p.oid = m.prpubid
)
SELECT replace(replace(concat_ws(' ', relname, kind, line), 'projection_rebuild.', ''), 'projection.', '') AS line
FROM lines
ORDER BY line
