"""Publishes requests about jobs, and waits for the views to show what became of them."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID, uuid4

from jobmonitor.contract.envelope import Event
from jobmonitor.contract.events import EventData
from jobmonitor.contract.topics import topic_of
from jobmonitor.crm.users import Viewer
from jobmonitor.gateway.access.dependencies import Services
from jobmonitor.gateway.adapters.changes import Watch
from jobmonitor.gateway.adapters.database import DatabaseUnavailable
from jobmonitor.gateway.jobs.reading import find_job
from jobmonitor.gateway.jobs.records import JobRecord

SOURCE = "/jobmonitor/gateway"
VIEW_WAIT_S = 2.0
"""How long an answer waits for the projection to show what was asked for."""


async def publish(services: Services, job_type: str, job_id: UUID, data: EventData) -> None:
    """Publish a request about a job. Raises KafkaUnavailable: it is not confirmed."""
    event = Event(id=str(uuid4()), source=SOURCE, job_id=job_id, time=datetime.now(UTC), data=data)
    await services.broker.send(topic_of(data, job_type), event)


async def shown(
    services: Services, viewer: Viewer, job_id: UUID, watch: Watch, condition: Callable[[JobRecord], bool]
) -> JobRecord | None:
    """The job once the view shows it and the condition holds, or as shown after two seconds; None if it is not."""
    ends_at_s = asyncio.get_running_loop().time() + VIEW_WAIT_S
    while True:
        try:
            async with services.database.as_viewer(viewer) as connection:
                job = await find_job(connection, viewer, job_id)
        except DatabaseUnavailable:
            return None  # the request stands all the same
        job = job if job is not None and job.number is not None else None
        if job is not None and condition(job):
            return job
        if not await watch.changed(ends_at_s - asyncio.get_running_loop().time()):
            return job
