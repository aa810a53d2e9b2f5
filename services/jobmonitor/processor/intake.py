"""The intake: requests gather while others are being handled, and are handed on in batches, accounts taking turns.

One transaction for many requests is what makes thousands of small jobs a second possible; a single request waits for
nobody. Taking turns, a request is not behind the ten thousand that another account sent just before.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable
from typing import NamedTuple, NoReturn

import structlog

from jobmonitor.contract.envelope import Event
from jobmonitor.runtime.failures import backoff_s, is_temporary

log = structlog.stdlib.get_logger()

BATCH_MAX = 200
WAITING_MAX = 20_000
"""Requests held in memory, about a kilobyte each; the others stay in Kafka."""
LANES = 2
"""Batches under way at once: while one waits for its messages to be confirmed, the next is decided."""

Handler = Callable[[list[Event]], Awaitable[None]]


class Request(NamedTuple):
    """A request, and how to say that it needs not come again."""

    event: Event
    done: Callable[[], object]


class Turns:
    """The requests that wait, by account."""

    def __init__(self) -> None:
        self._waiting: OrderedDict[int, deque[Request]] = OrderedDict()
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def add(self, account_id: int, request: Request) -> None:
        self._waiting.setdefault(account_id, deque()).append(request)
        self._size += 1

    def take(self, most: int) -> list[Request]:
        """The next requests: of each account one, in turns; of one account in the order they came."""
        taken: list[Request] = []
        while self._waiting and len(taken) < most:
            account_id, requests = self._waiting.popitem(last=False)
            taken.append(requests.popleft())
            if requests:
                self._waiting[account_id] = requests
        self._size -= len(taken)
        return taken


class Intake:
    """Hands requests to ``handle``, which may see one again after a crash. ``crash`` ends the process at a bug."""

    def __init__(self, handle: Handler, *, crash: Callable[[BaseException], NoReturn]) -> None:
        self._handle = handle
        self._crash = crash
        self._turns = Turns()
        self._changed = asyncio.Condition()
        self._lanes: list[asyncio.Task[None]] = []

    def start(self) -> None:
        self._lanes = [asyncio.create_task(self._work()) for _ in range(LANES)]

    async def stop(self) -> None:
        """What still waits is not handled, and comes again. Call it when nothing is added any more."""
        for lane in self._lanes:
            lane.cancel()
        await asyncio.gather(*self._lanes, return_exceptions=True)

    async def add(self, account_id: int, request: Request) -> None:
        """Let the request be handled soon; waits while too many do."""
        async with self._changed:
            await self._changed.wait_for(lambda: len(self._turns) < WAITING_MAX)
            self._turns.add(account_id, request)
            self._changed.notify_all()

    async def _work(self) -> None:
        while True:
            async with self._changed:
                await self._changed.wait_for(lambda: len(self._turns) > 0)
                batch = self._turns.take(BATCH_MAX)
                self._changed.notify_all()
            await self._until_done([request.event for request in batch])
            for request in batch:
                request.done()

    async def _until_done(self, events: list[Event]) -> None:
        """Temporary failures are tried again until they pass; anything else unexpected is a bug: the process ends."""
        attempt = 1
        while True:
            try:
                return await self._handle(events)
            except Exception as error:
                if not is_temporary(error):
                    self._crash(error)
                log.warning("requests_wait", requests=len(events), error=repr(error))
                await asyncio.sleep(backoff_s(attempt, most_s=5.0))
                attempt += 1
