"""Each task of the reconciler in a loop of its own: what is slow or away holds up no other task."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

import structlog

from jobmonitor.reconciler.metrics import LAST_ROUND, REPAIRED, ROUND_SECONDS, TIDIED
from jobmonitor.runtime.backoff import Backoff
from jobmonitor.runtime.failures import is_temporary
from jobmonitor.runtime.monitoring import Check

BACKOFF = Backoff(most_s=30.0)
"""After failures in a row."""
LATE_AFTER_ROUNDS = 10

log = structlog.stdlib.get_logger()


@dataclass(frozen=True, slots=True)
class Task:
    """Something the reconciler does again and again; it may be repeated, and broken off at any time."""

    name: str
    do: Callable[[], Awaitable[int]]
    """Returns how much there was to do."""
    every_s: float
    timeout_s: float
    full: int | None = None
    """With so much to do there is more: it goes on at once."""
    is_loss: bool = True
    """Whether what it does repairs a loss, which is worth a line in the log and, where many, an alert."""


class Loop:
    """Repeats one task, and remembers when it last ended well."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self._ended_at = time.monotonic()

    @property
    def late_s(self) -> float:
        """How much longer ago than it should be the task last ended well; 0 where it is in time."""
        allowed_s = max(LATE_AFTER_ROUNDS * self.task.every_s, self.task.every_s + self.task.timeout_s)
        return max(0.0, time.monotonic() - self._ended_at - allowed_s)

    async def go_on(self) -> None:
        """For ever. A temporary failure or a timeout costs a pause; raises everything else, a bug."""
        failures = 0
        while True:
            try:
                done = await self._do_once()
            except Exception as error:
                if not is_temporary(error):
                    raise
                failures += 1
                log.warning("task_postponed", task=self.task.name, error=repr(error))
                await asyncio.sleep(max(self.task.every_s, BACKOFF.pause_s(failures)))
                continue
            failures = 0
            if self.task.full is None or done < self.task.full:
                await asyncio.sleep(self.task.every_s)

    async def _do_once(self) -> int:
        name = self.task.name
        with ROUND_SECONDS.labels(name).time():
            async with asyncio.timeout(self.task.timeout_s):
                done = await self.task.do()
        self._ended_at = time.monotonic()
        LAST_ROUND.labels(name).set_to_current_time()
        if self.task.is_loss:
            REPAIRED.labels(name).inc(done)
            if done:
                log.info("repaired", task=name, count=done)
        else:
            TIDIED.labels(name).inc(done)
        return done


class Loops:
    """All tasks, side by side."""

    def __init__(self, tasks: Iterable[Task]) -> None:
        self._loops = [Loop(task) for task in tasks]

    async def go_on(self) -> None:
        """For ever. Raises the first bug."""
        running = [asyncio.create_task(loop.go_on(), name=loop.task.name) for loop in self._loops]
        try:
            done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    def check(self) -> Check:
        """Whether every task ended well lately; names those that did not."""
        late = [f"{loop.task.name} for {loop.late_s:.0f} s" for loop in self._loops if loop.late_s]
        return Check(ok=not late, detail=f"late: {', '.join(late)}" if late else f"{len(self._loops)} tasks in time")
