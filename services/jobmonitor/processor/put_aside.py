"""A request that ends its worker again and again is put aside, so that the others go on.

Its message goes to the dead letters, and its job, if it is a submission, fails with a reason.
"""

from collections.abc import Awaitable, Callable, Collection

import structlog

from jobmonitor.contract.envelope import Event
from jobmonitor.contract.events import JobSubmitted
from jobmonitor.ledger.suspects import Suspects
from jobmonitor.processor.metrics import PUT_ASIDE
from jobmonitor.runtime.failures import is_temporary
from jobmonitor.runtime.poison import ENDS_MAX, is_put_aside

log = structlog.stdlib.get_logger()

CODE = "put_aside"
REASON = "This job's request ended its worker five times. It was put aside for an operator to look at."

Keep = Callable[[str], Awaitable[None]]
"""Keeps a message among the dead letters, with this reason."""


class WorkerKilled(Exception):
    """Workers were killed while they handled a request."""


class PutAside:
    """Decides about the requests of one topic. ``fail`` ends the job of a submission with a code and a reason."""

    def __init__(self, suspects: Suspects, topic: str, fail: Callable[[Event, str, str], Awaitable[None]]) -> None:
        self._suspects = suspects
        self._topic = topic
        self._fail = fail

    async def went_well(self) -> None:
        """Another request of the topic went well."""
        await self._suspects.went_well()

    async def begin(self, messages: Collection[str]) -> set[str]:
        """Write down that these are handled now; returns those that were under way when a worker was killed."""
        return await self._suspects.begin(messages)

    async def begin_alone(self, message: str, event: Event, keep: Keep) -> bool:
        """Write down that this one is handled now, apart from all others; or put it aside: whether that was done.

        It was under way among others when the first worker was killed, and alone at each later one.
        """
        killed = await self._suspects.begin_alone(message)
        if killed < ENDS_MAX:
            return False
        return await self.judge(message, event, keep, WorkerKilled("killed without a word"), ends=killed)

    async def end(self, messages: Collection[str]) -> None:
        """These are handled, or failed without killing the worker."""
        await self._suspects.end(messages)

    async def judge(self, message: str, event: Event, keep: Keep, error: BaseException, *, ends: int = 0) -> bool:
        """Count that handling it failed with a bug; whether it is put aside now. May be repeated.

        ``ends``: how many workers it ended as far as the caller knows. Raises a temporary error: nothing is decided.
        """
        suspect = await self._suspects.count(message, error)
        ends = max(ends, suspect.ends)
        if suspect.is_put_aside:
            return True
        if not is_put_aside(ends=ends, put_aside_in_a_row=suspect.put_aside_in_a_row):
            log.error("request_ends_worker", job_id=str(event.job_id), ends=ends, error=repr(error))
            return False
        await keep(f"It ended {ends} workers: {error!r}")
        await self._end_job(event)
        await self._suspects.put_aside(message)
        PUT_ASIDE.labels(self._topic).inc()
        log.error("request_put_aside", job_id=str(event.job_id), ends=ends, error=repr(error))
        return True

    async def _end_job(self, event: Event) -> None:
        """As far as it can be: what broke the request may break this too."""
        if not isinstance(event.data, JobSubmitted):
            return
        try:
            await self._fail(event, CODE, REASON)
        except Exception as error:
            if is_temporary(error):
                raise
            log.exception("job_not_failed", job_id=str(event.job_id))
