"""The planner: a worker plans a few of the jobs it took up itself, at once, without a round through Kafka.

So a job starts in milliseconds even where chunks of other jobs wait in line. A plan that is lost with its process is
handed out again by the reconciler.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import NoReturn
from uuid import UUID

import structlog

from jobmonitor.runtime.failures import is_temporary

log = structlog.stdlib.get_logger()

PLANS_MAX = 2
"""At once. Beyond that the plans go to all workers, like any chunk."""


class Planner:
    """Runs plans in the background. ``run`` is given the job; where a service is away, the plan is left to others."""

    def __init__(
        self,
        run: Callable[[UUID], Awaitable[None]],
        *,
        crash: Callable[[BaseException], NoReturn],
        plans_max: int = PLANS_MAX,
    ) -> None:
        self._run = run
        self._plans_max = plans_max
        self._crash = crash
        self._plans: set[asyncio.Task[None]] = set()

    @property
    def free(self) -> int:
        """How many more plans may be begun here."""
        return max(0, self._plans_max - len(self._plans))

    def plan(self, job_id: UUID) -> None:
        task = asyncio.create_task(self._plan(job_id))
        self._plans.add(task)
        task.add_done_callback(self._plans.discard)

    async def stop(self) -> None:
        """Waits for the plans under way."""
        await asyncio.gather(*self._plans, return_exceptions=True)

    async def _plan(self, job_id: UUID) -> None:
        try:
            await self._run(job_id)
        except Exception as error:
            if not is_temporary(error):
                self._crash(error)
            log.warning("plan_left_to_others", job_id=str(job_id), error=repr(error))
