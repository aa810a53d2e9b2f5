-- What is in an uploaded file is found out once, when it comes, and kept with it; null for files from before.
ALTER TABLE crm.uploads ADD COLUMN contents jsonb;

-- Whose upload somebody may use depends on what kind of user they are: the processor asks as well as the gateway.
GRANT SELECT (id, account_id, user_type) ON crm.users TO jobmonitor_worker;

-- Whether a job that has not ended reads this upload.
CREATE FUNCTION ledger.upload_is_needed(upload uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT EXISTS (
        SELECT FROM ledger.runs
        WHERE runs.parameters ? 'upload' AND runs.parameters ->> 'upload' = upload::text
          AND runs.state IN ('scheduled', 'queued', 'running', 'stopping')
    )
$$;
REVOKE ALL ON FUNCTION ledger.upload_is_needed(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ledger.upload_is_needed(uuid) TO jobmonitor_gateway;
