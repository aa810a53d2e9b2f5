-- How much of the object store an account's results take.
CREATE INDEX runs_kept_results ON ledger.runs (account_id) WHERE result IS NOT NULL AND NOT expired;

-- Of the account that this transaction sees, in bytes.
CREATE FUNCTION ledger.kept_result_bytes() RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce(sum((r.result ->> 'size_bytes')::bigint), 0)::bigint
    FROM ledger.runs AS r
    WHERE r.account_id = current_setting('app.account_id')::bigint AND r.result IS NOT NULL AND NOT r.expired
$$;
REVOKE ALL ON FUNCTION ledger.kept_result_bytes() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ledger.kept_result_bytes() TO jobmonitor_gateway;
