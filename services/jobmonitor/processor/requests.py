"""What a processor does with the requests for jobs of its type. Repeating any of it changes nothing."""

from collections.abc import Collection, Sequence
from typing import Any

import structlog

from jobmonitor.contract.envelope import Event
from jobmonitor.contract.events import JobStopRequested, JobSubmitted
from jobmonitor.crm.rights import Person, Standings, stop_refused
from jobmonitor.job_types.protocol import JobType
from jobmonitor.job_types.registry import slugs
from jobmonitor.ledger import Ledger
from jobmonitor.processor.acceptor import Acceptor, Submission
from jobmonitor.processor.metrics import REQUESTS

log = structlog.stdlib.get_logger()


class RequestHandler:
    """Accepts submissions and lets stops take effect, for one job type."""

    def __init__(self, job_type: JobType[Any], ledger: Ledger, acceptor: Acceptor) -> None:
        self._job_type = job_type
        self._ledger = ledger
        self._acceptor = acceptor
        self._known = {*slugs(with_probe=False), job_type.slug}

    def account_of(self, event: Event) -> int | None:
        """Whose request it is; None for what is no request to this job type."""
        match event.data:
            case JobSubmitted() as submission if submission.job_type in self._known:  # another's is refused
                return submission.account_id
            case JobStopRequested() as request:
                return request.account_id
            case _:
                return None

    async def handle(self, events: Sequence[Event]) -> None:
        """All submissions first: a stop that came ahead of its submission then still finds it."""
        submissions = [submission for event in events if (submission := _submission(event))]
        if submissions:
            REQUESTS.labels(self._job_type.slug, "submit").inc(len(submissions))
            await self._acceptor.accept(submissions)
            log.info("jobs_accepted", jobs=len(submissions), job_id=str(submissions[0].job_id))
        stops = [event for event in events if isinstance(event.data, JobStopRequested)]
        if stops:
            REQUESTS.labels(self._job_type.slug, "stop").inc(len(stops))
            await self.stop_all(stops)

    async def stop_all(self, events: Sequence[Event]) -> None:
        """Let these stops take effect, or tell why they do not."""
        stops = [(event, event.data) for event in events if isinstance(event.data, JobStopRequested)]
        standings = await self._standings({Person(data.account_id, data.requested_by) for _, data in stops})
        for event, data in stops:
            await self._stop(event, data, standings)
        self._ledger.leases.look_soon()

    async def fail(self, event: Event, code: str, reason: str) -> None:
        """End the job of a submission that cannot be accepted, with a reason its owner understands."""
        if submission := _submission(event):
            await self._acceptor.refuse(submission, code, reason)

    async def _standings(self, people: Collection[Person]) -> Standings:
        async with self._ledger.pool.acquire() as connection, connection.transaction():
            return await self._acceptor.load_standings(connection, people)

    async def _stop(self, event: Event, request: JobStopRequested, standings: Standings) -> None:
        person = Person(request.account_id, request.requested_by)
        await self._ledger.stop(
            event.job_id,
            request,
            event.time,
            stoppable=self._job_type.stoppable,
            request_id=event.id,
            refused=lambda job: stop_refused(person, standings.of[person], job.owner_id),
        )
        log.info("stop_consumed", job_id=str(event.job_id), stoppable=self._job_type.stoppable)


def _submission(event: Event) -> Submission | None:
    data = event.data
    if not isinstance(data, JobSubmitted):
        return None
    return Submission(event.job_id, event.id, event.time, data, event.refusal)
