-- Move the jobs of this plain progress ({progress}) on, as fold does, where they are in the monitor. How many, by the month in
-- which their timelines lie.
--
-- No value is overwritten by a lesser one, so it does not matter what others wrote since, and nothing has to be read.
WITH advanced AS (
    MERGE INTO {schema}.job_monitor AS j
    USING (
        SELECT job_id, account_id, owner_id, job_type, at, sequence, done, total
        FROM {progress} AS p
        WHERE newest
        ORDER BY job_id
    ) AS s
    ON j.job_id = s.job_id
    WHEN MATCHED AND j.account_id = s.account_id AND j.owner_id = s.owner_id AND j.job_type = s.job_type
            AND (s.sequence > j.sequence OR s.done > j.done OR s.total > j.total OR s.at > j.updated_at) THEN
        UPDATE SET
            state = CASE WHEN j.state IN ('scheduled', 'queued') THEN 'running' ELSE j.state END,
            waits_for = CASE WHEN s.sequence > j.sequence THEN NULL ELSE j.waits_for END,
            sequence = greatest(j.sequence, s.sequence),
            done = greatest(j.done, s.done),
            total = greatest(j.total, s.total),
            updated_at = CASE WHEN j.sequence = 0 THEN s.at ELSE greatest(j.updated_at, s.at) END
    RETURNING j.month
)
SELECT month, count(*) AS jobs FROM advanced GROUP BY month
