-- Uploads go when they are old: who tidies up looks as nobody, and then sees the old ones of all accounts.

CREATE POLICY forgettable ON crm.uploads FOR SELECT TO jobmonitor_gateway
    USING ((SELECT crm.current_account()) IS NULL AND created_at < now() - interval '1 day');
CREATE POLICY forgetting ON crm.uploads FOR DELETE TO jobmonitor_gateway
    USING ((SELECT crm.current_account()) IS NULL AND created_at < now() - interval '1 day');
-- one whose content could not be stored goes at once
CREATE POLICY withdrawing ON crm.uploads FOR DELETE TO jobmonitor_gateway
    USING (account_id = (SELECT crm.current_account()));
GRANT DELETE ON crm.uploads TO jobmonitor_gateway;

CREATE INDEX uploads_by_user ON crm.uploads (account_id, uploaded_by);
-- which files are still needed
CREATE INDEX runs_with_upload ON ledger.runs ((parameters ->> 'upload'))
    WHERE parameters ? 'upload' AND state IN ('scheduled', 'queued', 'running', 'stopping');
