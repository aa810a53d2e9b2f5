"""Asks for the stop of a job."""

from datetime import UTC, datetime

import msgspec

from jobmonitor.contract.events import JobStopRequested
from jobmonitor.crm.users import Viewer
from jobmonitor.gateway.access.dependencies import Services
from jobmonitor.gateway.http.problems import Problem
from jobmonitor.gateway.jobs.items import title
from jobmonitor.gateway.jobs.publishing import publish, shown
from jobmonitor.gateway.jobs.records import JobRecord
from jobmonitor.job.state import ENDED


async def request_stop(services: Services, viewer: Viewer, job: JobRecord) -> JobRecord:
    """Ask for the stop of a job the viewer sees; returns the job as far as the view knows of it.

    Raises Problem 409 where a stop makes no sense, and KafkaUnavailable.
    """
    job_type = services.job_types.get(job.job_type)
    if job_type is None or not job_type.stoppable:
        name = title(job, services.job_types)
        raise Problem(409, f"Jobs of the type {name} cannot be stopped; they end by themselves.", code="not_stoppable")
    if job.state in ENDED:
        raise Problem(409, "This job has already ended.", code="already_ended")
    if job.stop_requested_at is not None:
        return job
    request = JobStopRequested(account_id=viewer.account_id, requested_by=viewer.user_id)
    with services.changes.watching(job.job_id) as watch:
        await publish(services, job.job_type, job.job_id, request)
        after = await shown(services, viewer, job.job_id, watch, _stop_shows)
    known = after or job
    return msgspec.structs.replace(known, stop_requested_at=known.stop_requested_at or datetime.now(UTC))


def _stop_shows(job: JobRecord) -> bool:
    return job.stop_requested_at is not None or job.state in ENDED
