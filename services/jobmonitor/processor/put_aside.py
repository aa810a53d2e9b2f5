"""What becomes of a request that ends its worker again and again: it is put aside, and the others go on.

Its message goes to the dead letters, and its job, if it is a submission, fails with a reason.
"""

from collections.abc import Awaitable, Callable

import structlog

from jobmonitor.contract.envelope import Event, type_name
from jobmonitor.contract.events import JobSubmitted
from jobmonitor.ledger.suspects import Suspects
from jobmonitor.processor.metrics import PUT_ASIDE
from jobmonitor.runtime.failures import is_temporary
from jobmonitor.runtime.poison import is_put_aside

log = structlog.stdlib.get_logger()

CODE = "put_aside"
REASON = "This job's request ended its worker five times. It was put aside for an operator to look at."

Keep = Callable[[str], Awaitable[None]]
"""Keeps a message among the dead letters, with this reason."""


class PutAside:
    """Decides about the requests of one topic. ``fail`` ends the job of a submission with a code and a reason."""

    def __init__(self, suspects: Suspects, topic: str, fail: Callable[[Event, str, str], Awaitable[None]]) -> None:
        self._suspects = suspects
        self._topic = topic
        self._fail = fail

    async def went_well(self) -> None:
        """Another request of the topic went well."""
        await self._suspects.went_well()

    async def judge(self, event: Event, keep: Keep, error: BaseException) -> bool:
        """Count that handling it failed with a bug; whether it is put aside now. May be repeated.

        Raises a temporary error: nothing is decided.
        """
        message = f"{type_name(event.data)} {event.job_id}"
        suspect = await self._suspects.count(message, error)
        if suspect.is_put_aside:
            return True
        if not is_put_aside(ends=suspect.ends, put_aside_in_a_row=suspect.put_aside_in_a_row):
            log.error("request_ends_worker", job_id=str(event.job_id), ends=suspect.ends, error=repr(error))
            return False
        await keep(f"It ended {suspect.ends} workers: {error!r}")
        await self._end_job(event)
        await self._suspects.put_aside(message)
        PUT_ASIDE.labels(self._topic).inc()
        log.error("request_put_aside", job_id=str(event.job_id), ends=suspect.ends, error=repr(error))
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
