"""Records what somebody has received of a result. Once that is all of it, the job leaves the monitor."""

import asyncpg
import structlog

from jobmonitor.crm.users import Viewer
from jobmonitor.database.statement import statements
from jobmonitor.gateway.access.dependencies import Services
from jobmonitor.gateway.adapters.database import DatabaseUnavailable
from jobmonitor.gateway.downloads.ranges import Span
from jobmonitor.gateway.jobs.records import JobRecord
from jobmonitor.runtime.kafka import KafkaUnavailable, Outgoing
from jobmonitor.runtime.retry import retry_context

RECORD_FOR_S = 60.0
"""How long a complete download tries to be recorded while the database is away; later, the job just stays listed."""

_SQL = statements("jobmonitor.gateway.downloads.sql")
log = structlog.stdlib.get_logger()


async def record(services: Services, viewer: Viewer, job: JobRecord, received: Span, size_bytes: int) -> None:
    """Note what the viewer has by now. Repeatable. While the database is away it tries for a minute."""
    if job.downloaded_at is not None:
        return
    try:
        async for attempt in retry_context(on=DatabaseUnavailable, attempts=None, timeout=RECORD_FOR_S):
            with attempt:
                await _record_once(services, viewer, job, received, size_bytes)
    except DatabaseUnavailable:
        log.warning("download_not_recorded", job=job.number, all_received=received == (0, size_bytes))


async def _record_once(services: Services, viewer: Viewer, job: JobRecord, received: Span, size_bytes: int) -> None:
    if received != (0, size_bytes) and not await _has_all(services, viewer, job, received, size_bytes):
        return
    async with services.database.as_viewer(viewer) as connection:
        fact = await _SQL["record_download"].fetchrow(connection, job_id=job.job_id)
        await _SQL["forget_transfer"].execute(connection, job_id=job.job_id, user_id=viewer.user_id)
    if fact is not None:
        await _send(services, viewer, fact)
    log.info("result_downloaded", job=job.number, by=viewer.user_id)


async def _has_all(services: Services, viewer: Viewer, job: JobRecord, received: Span, size_bytes: int) -> bool:
    """Whether this part and those received before leave no gap."""
    async with services.database.as_viewer(viewer) as connection:
        return bool(
            await _SQL["record_received"].fetchval(
                connection,
                job_id=job.job_id,
                user_id=viewer.user_id,
                start=received.start,
                end=received.end,
                size_bytes=size_bytes,
            )
        )


async def _send(services: Services, viewer: Viewer, fact: asyncpg.Record) -> None:
    """Send the fact now, though it is in the outbox and would be sent a moment later: nobody should have to wait."""
    try:
        await services.broker.send_messages([Outgoing(fact["topic"], fact["key"], fact["value"], fact["type"])])
        async with services.database.as_viewer(viewer) as connection:
            await _SQL["forget_download"].execute(connection, place=fact["place"], value=fact["value"])
    except (KafkaUnavailable, DatabaseUnavailable) as error:
        log.info("outbox_kept", job=fact["key"].decode(), error=str(error))
