-- Who a request names, across accounts and before anything of it is done. It runs as the owner, whom row-level security
-- binds too: so account by account, and whoever calls it sees the same account afterwards as before.
CREATE FUNCTION crm.standings(accounts bigint[], users bigint[])
RETURNS TABLE (account_id bigint, user_id bigint, account_exists boolean, user_type text, active boolean, permissions text[])
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    asked record;
    seen text := current_setting('app.account_id', true);
BEGIN
    FOR asked IN SELECT account, array_agg(named) AS people FROM unnest(accounts, users) AS p (account, named) GROUP BY account
    LOOP
        PERFORM set_config('app.account_id', asked.account::text, true);
        RETURN QUERY
        SELECT asked.account, p.id, EXISTS (SELECT FROM crm.accounts AS a WHERE a.id = asked.account), u.user_type,
               u.active AND (u.user_type <> 'user' OR u.permission_group_id IS NOT NULL),
               ARRAY(SELECT g.permission FROM crm.group_permissions AS g WHERE g.group_id = u.permission_group_id)
        FROM unnest(asked.people) AS p (id)
        LEFT JOIN crm.users AS u ON u.account_id = asked.account AND u.id = p.id;
    END LOOP;
    PERFORM set_config('app.account_id', coalesce(seen, ''), true);
END $$;
REVOKE ALL ON FUNCTION crm.standings(bigint[], bigint[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION crm.standings(bigint[], bigint[]) TO jobmonitor_worker;
