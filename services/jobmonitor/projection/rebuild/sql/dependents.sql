-- What else is made of these live tables: views, which the swap leads to the new tables, and what it cannot lead.
WITH t AS (
    SELECT oid, reltype FROM pg_class WHERE relnamespace = 'projection'::regnamespace AND relname = ANY (:table_names::text[])
), found AS (
    SELECT v.oid::regclass::text AS name, v.relkind = 'v' AS is_view, v.oid
    FROM t
    JOIN pg_depend AS d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = t.oid
        AND d.classid = 'pg_rewrite'::regclass
    JOIN pg_rewrite AS r ON r.oid = d.objid
    JOIN pg_class AS v ON v.oid = r.ev_class
    UNION
    SELECT d.objid::regprocedure::text, false, NULL
    FROM t
    JOIN pg_depend AS d ON (d.refclassid, d.refobjid) IN (('pg_class'::regclass, t.oid), ('pg_type'::regclass, t.reltype))
        AND d.classid = 'pg_proc'::regclass
    UNION
    SELECT k.conname || ' of ' || k.conrelid::regclass, false, NULL
    FROM t
    JOIN pg_constraint AS k ON k.confrelid = t.oid
)
SELECT name, is_view, array_to_string(c.reloptions, ', ') AS options, pg_get_viewdef(found.oid) AS definition
FROM found
LEFT JOIN pg_class AS c ON c.oid = found.oid
ORDER BY name
