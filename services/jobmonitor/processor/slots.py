"""Slots: a worker runs a bounded number of chunks at once; the others wait, unclaimed, accounts taking turns.

Plans, work and assemblies have slots of their own, so that long ones of one kind stop none of the others. The stream of
messages never waits for a chunk: what exceeds the queue is dropped, and the reconciler sends its hint again.
"""

import asyncio
from collections import Counter, OrderedDict, deque
from collections.abc import Awaitable, Callable
from functools import partial
from typing import NamedTuple, NoReturn
from uuid import UUID

from jobmonitor.processor.chunks import KeepLetter
from jobmonitor.processor.shares import Share, Shares
from jobmonitor.runtime.failures import is_temporary
from jobmonitor.runtime.retry import until_passed

WAITING_MAX = 1_000
"""Hints that wait for a slot, a few hundred bytes each."""


def _nothing() -> None:
    """For hints that need no acknowledgement."""


class Hint(NamedTuple):
    """A chunk that may be claimed."""

    account_id: int
    job_id: UUID
    chunk: int
    dead_letter: KeepLetter | None = None
    settled: Callable[[], object] = _nothing
    """Called to acknowledge the hint: the ledger knows who runs the chunk, or nobody has to."""


RunHint = Callable[[Hint], Awaitable[None]]
"""Runs the hinted chunk. Raises a temporary error where the ledger is away."""


class Slots:
    """``crash`` ends the process at a bug. A chunk also needs a slot of its type's ``share`` of the process.

    One account takes ``account_max`` slots at most: where chunks take long, its own must not be all that others find.
    """

    def __init__(
        self,
        run: RunHint,
        *,
        crash: Callable[[BaseException], NoReturn],
        slots: int,
        account_max: int | None = None,
        share: Share | None = None,
        waiting_max: int = WAITING_MAX,
    ) -> None:
        self._run = run
        self._crash = crash
        self._slots = slots
        self._account_max = account_max or max(1, slots)
        self._share = share or Shares(slots).of("")
        self._waiting_max = waiting_max
        self._waiting: OrderedDict[int, deque[Hint]] = OrderedDict()
        self._waiting_count = 0
        self._running: set[asyncio.Task[None]] = set()
        self._busy: Counter[int] = Counter()
        """Slots taken, by account."""
        self._closed = False

    @property
    def free(self) -> int:
        """How many more chunks would begin at once."""
        slots = min(self._slots, self._share.most)
        return 0 if self._closed else max(0, slots - len(self._running) - self._waiting_count)

    def add(self, hint: Hint) -> None:
        """Let the chunk be run as soon as there is a slot. What comes after the end is redelivered to others."""
        if self._closed:
            return
        if self._waiting_count >= self._waiting_max:
            hint.settled()
            return
        self._waiting.setdefault(hint.account_id, deque()).append(hint)
        self._waiting_count += 1
        self._fill()

    def close(self) -> None:
        """Start nothing any more. Waiting hints are redelivered to other workers."""
        self._closed = True
        self._waiting.clear()
        self._waiting_count = 0

    async def stop(self, *, within_s: float) -> None:
        """Let the chunks under way end, for so long; then they are given back."""
        self.close()
        if self._running:
            await asyncio.wait(self._running, timeout=within_s)
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    def _fill(self) -> None:
        while len(self._running) < self._slots and (hint := self._next()) is not None:
            task = asyncio.create_task(self._until_done(hint))
            self._running.add(task)
            self._busy[hint.account_id] += 1
            task.add_done_callback(partial(self._ended, hint.account_id))

    def _next(self) -> Hint | None:
        """Of each account one, in turns; of one account in the order they came."""
        account_id = next((each for each in self._waiting if self._busy[each] < self._account_max), None)
        if account_id is None:
            return None
        hints = self._waiting.pop(account_id)
        hint = hints.popleft()
        if hints:
            self._waiting[account_id] = hints
        self._waiting_count -= 1
        return hint

    def _ended(self, account_id: int, task: "asyncio.Task[None]") -> None:
        self._running.discard(task)
        self._busy[account_id] -= 1
        self._busy += Counter()  # forgets accounts without any
        self._fill()

    async def _until_done(self, hint: Hint) -> None:
        """While the ledger is away the chunk waits in its slot; anything else unexpected is a bug: the process ends."""
        run, job_id = partial(self._run_shared, hint), str(hint.job_id)
        try:
            await until_passed(run, "chunk_waits", goes_on=self._is_open, job_id=job_id, chunk=hint.chunk)
        except Exception as error:
            if not is_temporary(error):
                self._crash(error)

    async def _run_shared(self, hint: Hint) -> None:
        async with self._share:
            await self._run(hint)

    def _is_open(self) -> bool:
        return not self._closed
