-- The jobs of which the live tables know something that the log no longer says.
SELECT DISTINCT job_id
FROM (
    SELECT job_id FROM projection.job_monitor AS l
    WHERE NOT EXISTS (SELECT FROM projection_rebuild.job_monitor AS r WHERE r.job_id = l.job_id)
      AND NOT EXISTS (SELECT FROM projection_rebuild.job_history AS r WHERE r.job_id = l.job_id)
    UNION ALL
    SELECT job_id FROM projection.job_history AS l
    WHERE NOT EXISTS (SELECT FROM projection_rebuild.job_monitor AS r WHERE r.job_id = l.job_id)
      AND NOT EXISTS (SELECT FROM projection_rebuild.job_history AS r WHERE r.job_id = l.job_id)
    UNION ALL
    SELECT job_id FROM projection.job_timeline AS l
    WHERE NOT EXISTS (
        SELECT FROM projection_rebuild.job_timeline AS r
        WHERE (r.job_id, r.type, r.slot) = (l.job_id, l.type, l.slot)
    )
) AS known
