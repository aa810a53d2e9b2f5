-- Which rights has anybody besides the owner, on which thing?
WITH schemas AS (
    SELECT oid, nspname FROM pg_namespace WHERE nspname NOT LIKE 'pg\_%' AND nspname <> 'information_schema'
), rights AS (
    SELECT a.grantee, 'schema ' || s.nspname AS thing, a.privilege_type AS may, a.is_grantable
    FROM pg_namespace AS n JOIN schemas AS s ON s.oid = n.oid, aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) AS a
    UNION ALL
    SELECT a.grantee, CASE c.relkind WHEN 'S' THEN 'sequence ' WHEN 'v' THEN 'view ' ELSE 'table ' END || s.nspname || '.' || c.relname,
           a.privilege_type, a.is_grantable
    FROM pg_class AS c JOIN schemas AS s ON s.oid = c.relnamespace,
         aclexplode(coalesce(c.relacl, acldefault(CASE c.relkind WHEN 'S' THEN 's'::"char" ELSE 'r'::"char" END, c.relowner))) AS a
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f') AND NOT c.relispartition
    UNION ALL
    SELECT a.grantee, 'column ' || s.nspname || '.' || c.relname || '.' || t.attname, a.privilege_type, a.is_grantable
    FROM pg_attribute AS t JOIN pg_class AS c ON c.oid = t.attrelid JOIN schemas AS s ON s.oid = c.relnamespace,
         aclexplode(t.attacl) AS a
    UNION ALL
    SELECT a.grantee, 'function ' || s.nspname || '.' || p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')',
           a.privilege_type, a.is_grantable
    FROM pg_proc AS p JOIN schemas AS s ON s.oid = p.pronamespace,
         aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) AS a
    WHERE NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.objid = p.oid AND d.deptype = 'e')
    UNION ALL
    SELECT a.grantee, 'default in ' || coalesce(n.nspname, 'every schema'), a.privilege_type, a.is_grantable
    FROM pg_default_acl AS d LEFT JOIN pg_namespace AS n ON n.oid = d.defaclnamespace, aclexplode(d.defaclacl) AS a
    UNION ALL
    SELECT a.grantee, 'database', a.privilege_type, a.is_grantable
    FROM pg_database AS b, aclexplode(coalesce(b.datacl, acldefault('d', b.datdba))) AS a
    WHERE b.datname = current_database()
    UNION ALL
    SELECT m.member, 'role ' || r.rolname, 'MEMBER', m.admin_option
    FROM pg_auth_members AS m JOIN pg_roles AS r ON r.oid = m.roleid
    UNION ALL
    SELECT r.oid, 'server', attribute, false
    FROM pg_roles AS r,
         LATERAL (VALUES ('SUPERUSER', rolsuper), ('CREATEROLE', rolcreaterole), ('CREATEDB', rolcreatedb),
                         ('REPLICATION', rolreplication), ('BYPASSRLS', rolbypassrls)) AS has (attribute, given)
    WHERE given
)
SELECT who, thing, string_agg(may, ', ' ORDER BY may) AS may
FROM (
    SELECT coalesce(g.rolname, 'PUBLIC') AS who, thing, may || CASE WHEN is_grantable THEN ' (may grant it)' ELSE '' END AS may
    FROM rights LEFT JOIN pg_roles AS g ON g.oid = rights.grantee
) AS named
WHERE who = 'PUBLIC' OR who LIKE 'jobmonitor\_%' AND who <> 'jobmonitor_owner'
GROUP BY who, thing
ORDER BY who COLLATE "C", thing COLLATE "C"
