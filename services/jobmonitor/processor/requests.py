"""What a processor does with the requests on a job type's topic. Repeating any of it changes nothing."""

from typing import Any

import structlog

from jobmonitor.contract.envelope import Event
from jobmonitor.contract.events import JobStopRequested, JobSubmitted
from jobmonitor.job.commands import FailJob
from jobmonitor.job_types.parameters import BadParameters, read_parameters
from jobmonitor.job_types.protocol import JobType
from jobmonitor.ledger import Ledger
from jobmonitor.processor.metrics import REQUESTS

log = structlog.stdlib.get_logger()


class RequestHandler:
    """Takes submissions up and lets stops take effect, for one job type."""

    def __init__(self, job_type: JobType[Any], ledger: Ledger) -> None:
        self._job_type = job_type
        self._ledger = ledger

    async def handle(self, event: Event) -> None:
        """Facts pass by: they are for the projection."""
        match event.data:
            case JobSubmitted() as submission if submission.job_type == self._job_type.slug:
                REQUESTS.labels(self._job_type.slug, "submit").inc()
                await self._ledger.accept(event.job_id, submission, self._refusal(submission))
                log.info("job_accepted", job_id=str(event.job_id), account_id=submission.account_id)
            case JobStopRequested() as request:
                REQUESTS.labels(self._job_type.slug, "stop").inc()
                await self._ledger.stop(event.job_id, request, stoppable=self._job_type.stoppable)
                log.info("stop_heard", job_id=str(event.job_id), stoppable=self._job_type.stoppable)
            case _:
                pass

    def _refusal(self, submission: JobSubmitted) -> FailJob | None:
        """Parameters that break the type's schema fail the job: whoever published it has no answer to read."""
        try:
            read_parameters(self._job_type.params_type, submission.parameters)
        except BadParameters as error:
            return FailJob(code="bad_parameters", reason=f"The parameters cannot be used. {error}")
        return None
