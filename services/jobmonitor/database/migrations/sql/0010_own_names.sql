-- A name that is searched for by somebody who sees their own jobs only. Where thousands of others' jobs have the name, the
-- index of the whole account would be read through all of them to find the few, or none, of this person. The monitor needs
-- none: it holds what is not over yet.
CREATE INDEX job_history_by_own_reference
    ON projection.job_history (account_id, owner_id, reference_key, sort_at DESC, number DESC)
    WHERE reference_key IS NOT NULL;
