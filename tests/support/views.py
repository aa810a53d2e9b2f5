"""Rows of the views, written without a projection."""

from uuid import UUID

from support.engine import Engine


async def see(engine: Engine, job_type: str, jobs: int, *, stop: bool = False) -> list[UUID]:
    """So many submissions, as the view knows them; with ``stop`` somebody asked each to stop, and it is running."""
    rows = await engine.owner.fetch(
        """
        WITH numbers AS (
            INSERT INTO registry.job_numbers (job_id) SELECT gen_random_uuid() FROM generate_series(1, $2)
            RETURNING job_id, number, month
        ), rows AS (
            INSERT INTO projection.job_monitor (job_id, number, month, account_id, owner_id, job_type, state, sequence,
                done, total, rejected, updated_at, accepted_at, stop_requested_at, stop_requested_by)
            SELECT job_id, number, month, 1, 2, $1, 'queued', 0, 0, 0, 0, now(),
                CASE WHEN $3 THEN now() END, CASE WHEN $3 THEN now() END, CASE WHEN $3 THEN 2 END
            FROM numbers
        ), told AS (
            INSERT INTO projection.job_timeline (job_id, type, slot, event_id, account_id, owner_id, at, data)
            SELECT job_id, 'job_submitted', 0, job_id::text, 1, 2, now(),
                jsonb_build_object('account_id', 1, 'owner_id', 2, 'job_type', $1::text, 'parameters', '{}'::jsonb)
            FROM numbers
        )
        SELECT job_id FROM numbers ORDER BY number
        """,
        job_type,
        jobs,
        stop,
    )
    return [row["job_id"] for row in rows]
