-- The commands that make empty tables in projection_rebuild with the shape of these live ones, in their order;
-- their partitions are made by registry.add_month, as those of the live ones are.
WITH live AS (
    SELECT c.*, format('projection_rebuild.%I', c.relname) AS fresh
    FROM pg_class AS c
    WHERE c.relnamespace = 'projection'::regnamespace AND c.relname = ANY (:table_names::text[]) AND NOT c.relispartition
), commands AS (
    SELECT 1 AS step, relname AS what, format(
        'CREATE TABLE %s (LIKE projection.%I INCLUDING ALL EXCLUDING INDEXES)%s%s', fresh, relname,
        ' PARTITION BY ' || pg_get_partkeydef(oid), ' WITH (' || array_to_string(reloptions, ', ') || ')'
    ) AS command
    FROM live
    UNION ALL
    SELECT 2, k.conname, format('ALTER TABLE %s ADD CONSTRAINT %I %s', fresh, k.conname, pg_get_constraintdef(k.oid))
    FROM live JOIN pg_constraint AS k ON k.conrelid = live.oid AND k.contype IN ('p', 'u', 'x')
    UNION ALL
    SELECT 3, x.indexrelid::regclass::text,
        regexp_replace(pg_get_indexdef(x.indexrelid), ' ON (ONLY )?projection\.', ' ON \1projection_rebuild.')
    FROM live JOIN pg_index AS x ON x.indrelid = live.oid
    WHERE NOT EXISTS (SELECT FROM pg_constraint AS k WHERE k.conindid = x.indexrelid AND k.contype IN ('p', 'u', 'x'))
    UNION ALL
    SELECT 4, relname, format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', fresh) FROM live WHERE relrowsecurity
    UNION ALL
    SELECT 5, relname, format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', fresh) FROM live WHERE relforcerowsecurity
    UNION ALL
    SELECT 6, p.policyname, format(
        'CREATE POLICY %I ON %s AS %s FOR %s TO %s%s%s', p.policyname, fresh, p.permissive, p.cmd,
        (SELECT string_agg(CASE role WHEN 'public' THEN 'PUBLIC' ELSE quote_ident(role) END, ', ')
         FROM unnest(p.roles) AS role),
        ' USING (' || p.qual || ')', ' WITH CHECK (' || p.with_check || ')'
    )
    FROM live JOIN pg_policies AS p ON p.schemaname = 'projection' AND p.tablename = live.relname
    UNION ALL
    SELECT 7, relname, format('ALTER TABLE %s OWNER TO %s', fresh, relowner::regrole)
    FROM live WHERE relowner <> current_user::regrole
    UNION ALL
    SELECT 8, relname, format(
        'GRANT %s ON %s TO %s%s', a.privilege_type, fresh,
        CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END,
        CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END
    )
    FROM live, aclexplode(relacl) AS a
    UNION ALL
    SELECT 9, relname, format('COMMENT ON TABLE %s IS %L', fresh, obj_description(oid, 'pg_class'))
    FROM live WHERE obj_description(oid, 'pg_class') IS NOT NULL
)
SELECT command FROM commands ORDER BY step, what
