-- Who some requests name, in one query for all their accounts: asked account by account it took most of the time that
-- PostgreSQL spent on a small job. The function still runs as the owner, and row-level security still binds the owner: to
-- the accounts that the function names while it runs. Other roles' policies stay as they are.
CREATE POLICY judged ON crm.accounts FOR SELECT TO CURRENT_USER
    USING (id = ANY ((SELECT nullif(current_setting('app.judged_accounts', true), ''))::bigint[]));
CREATE POLICY judged ON crm.users FOR SELECT TO CURRENT_USER
    USING (account_id = ANY ((SELECT nullif(current_setting('app.judged_accounts', true), ''))::bigint[]));
CREATE POLICY judged ON crm.group_permissions FOR SELECT TO CURRENT_USER
    USING (account_id = ANY ((SELECT nullif(current_setting('app.judged_accounts', true), ''))::bigint[]));

CREATE OR REPLACE FUNCTION crm.standings(accounts bigint[], users bigint[])
RETURNS TABLE (account_id bigint, user_id bigint, account_exists boolean, user_type text, active boolean, permissions text[])
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    PERFORM set_config('app.judged_accounts', accounts::text, true);
    RETURN QUERY
    SELECT p.account, p.id, a.id IS NOT NULL, u.user_type,
           u.active AND (u.user_type <> 'user' OR u.permission_group_id IS NOT NULL),
           ARRAY(SELECT g.permission FROM crm.group_permissions AS g WHERE g.group_id = u.permission_group_id)
    FROM unnest(accounts, users) AS p (account, id)
    LEFT JOIN crm.accounts AS a ON a.id = p.account
    LEFT JOIN crm.users AS u ON u.account_id = p.account AND u.id = p.id;
    PERFORM set_config('app.judged_accounts', '', true);
END $$;
