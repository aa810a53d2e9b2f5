"""The queue of requests: they gather while others are handled, and are handled in batches, accounts taking turns.

One transaction for many requests is what makes thousands of small jobs a second possible; a single request waits for
nobody. Taking turns, a request is not behind the ten thousand that another account sent just before.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import NamedTuple, NoReturn

import msgspec
import structlog

from jobmonitor.contract.envelope import Event, decode, encode, type_name
from jobmonitor.contract.limits import Refusal
from jobmonitor.processor.put_aside import Keep, PutAside
from jobmonitor.runtime.failures import TEMPORARY
from jobmonitor.runtime.retry import until_passed

log = structlog.stdlib.get_logger()

BATCH_MAX = 200
BATCH_BYTES_MAX = 4 * 1024 * 1024
"""Of one batch: decoded, a request can take many times its bytes, and its facts are written with the others'."""
WAITING_MAX = 20_000
WAITING_BYTES_MAX = 32 * 1024 * 1024
"""Requests held in memory, by count and by bytes; the others stay in Kafka. They are held encoded."""
LANES = 2
"""Batches under way at once: while one waits for its messages to be confirmed, the next is decided."""

END_WITHIN_S = 2.0
"""What is being handled when the worker is stopped has so long to end."""
GIVE_BACK_S = 2.0
"""To tell the database that the worker is stopped in good order."""

WAITS = "requests_wait"

Handler = Callable[[list[Event]], Awaitable[None]]


class Request(NamedTuple):
    """A request that waits, and how to acknowledge it."""

    message: str
    """What all copies of it have in common."""
    value: bytes
    """Encoded anew: how deep a message may be nested to be decoded depends on who calls, so the one that came might be
    decoded once and never again. This one holds nothing but what the contract knows."""
    refusal: Refusal | None
    size_bytes: int
    """Of the message that came; it is held until this is done."""
    done: Callable[[], object]
    keep: Keep
    """As a dead letter."""

    def event(self) -> Event:
        """What is asked for."""
        return msgspec.structs.replace(decode(self.value), refusal=self.refusal)


def request_of(event: Event, size_bytes: int, done: Callable[[], object], keep: Keep) -> Request:
    """The event, which came in a message of this size, as a request."""
    message = f"{type_name(event.data)} {event.job_id}"
    return Request(message, encode(event), event.refusal, size_bytes, done, keep)


class FairQueue:
    """The requests that wait, by account."""

    def __init__(self) -> None:
        self._waiting: OrderedDict[int, deque[Request]] = OrderedDict()
        self._size = 0
        self.size_bytes = 0

    def __len__(self) -> int:
        return self._size

    def add(self, account_id: int, request: Request) -> None:
        self._waiting.setdefault(account_id, deque()).append(request)
        self._size += 1
        self.size_bytes += request.size_bytes

    def take(self, most: int, bytes_most: int = BATCH_BYTES_MAX) -> list[Request]:
        """The next requests, one at least: of each account one, in turns; of one account in the order they came."""
        taken: list[Request] = []
        taken_bytes = 0
        while self._waiting and len(taken) < most and taken_bytes < bytes_most:
            account_id, requests = self._waiting.popitem(last=False)
            taken.append(requests.popleft())
            taken_bytes += taken[-1].size_bytes
            if requests:
                self._waiting[account_id] = requests
        self._size -= len(taken)
        self.size_bytes -= taken_bytes
        return taken


class RequestQueue:
    """Hands requests to ``handle``, which may see one again after a crash. ``crash`` ends the process at a bug."""

    def __init__(self, handle: Handler, put_aside: PutAside, *, crash: Callable[[BaseException], NoReturn]) -> None:
        self._handle = handle
        self._put_aside = put_aside
        self._crash = crash
        self._waiting = FairQueue()
        self._changed = asyncio.Condition()
        self._lanes: list[asyncio.Task[None]] = []
        self._ending = False

    def start(self) -> None:
        self._lanes = [asyncio.create_task(self._work()) for _ in range(LANES)]

    async def stop(self) -> None:
        """Lets what is being handled end, for a moment. Call it when nothing is added any more.

        Waiting requests are not handled, and are redelivered.
        """
        async with self._changed:
            self._ending = True
            self._changed.notify_all()
        if self._lanes:
            await asyncio.wait(self._lanes, timeout=END_WITHIN_S)
        for lane in self._lanes:
            lane.cancel()
        await asyncio.gather(*self._lanes, return_exceptions=True)

    async def add(self, account_id: int, request: Request) -> None:
        """Let the request be handled soon; waits while too many do."""
        async with self._changed:
            await self._changed.wait_for(self._has_capacity)
            self._waiting.add(account_id, request)
            self._changed.notify_all()

    def _has_capacity(self) -> bool:
        return len(self._waiting) < WAITING_MAX and self._waiting.size_bytes < WAITING_BYTES_MAX

    async def _work(self) -> None:
        while True:
            async with self._changed:
                await self._changed.wait_for(lambda: len(self._waiting) > 0 or self._ending)
                if self._ending:
                    return
                batch = self._waiting.take(BATCH_MAX)
                self._changed.notify_all()
            try:
                await self._take(batch)
            except asyncio.CancelledError:
                await self._give_back(batch)
                raise
            except Exception as bug:
                self._crash(bug)

    async def _take(self, batch: Sequence[Request]) -> None:
        """All together; but what was under way when a worker was killed alone, after the others."""
        names = [request.message for request in batch]
        suspected = await until_passed(lambda: self._put_aside.begin(names), WAITS)
        others = [request for request in batch if request.message not in suspected]
        try:
            await self._until_done(others)
        except Exception as error:
            log.warning("requests_divided", requests=len(others), error=repr(error))
            await self._end(others)
            await self._one_by_one(others)
        await self._one_by_one([request for request in batch if request.message in suspected])

    async def _until_done(self, batch: Sequence[Request]) -> None:
        """Temporary failures are tried again until they pass. Raises everything else, a bug."""
        if not batch:
            return
        await until_passed(lambda: self._handle([request.event() for request in batch]), WAITS)
        for request in batch:
            request.done()
        await self._end(batch)

    async def _end(self, batch: Sequence[Request]) -> None:
        """These did not kill the worker."""
        await until_passed(lambda: self._put_aside.end([request.message for request in batch]), WAITS)

    async def _give_back(self, batch: Sequence[Request]) -> None:
        """The worker is stopped in good order: nobody is to take it for killed."""
        with suppress(TimeoutError, *TEMPORARY):
            async with asyncio.timeout(GIVE_BACK_S):
                await self._put_aside.end([request.message for request in batch])

    async def _one_by_one(self, batch: Sequence[Request]) -> None:
        """Whatever goes well alone is done; the process ends for what does not, unless it is put aside."""
        bugs: list[tuple[Request, Exception]] = []
        well = 0
        for request in batch:
            if await self._is_given_up(request):
                continue
            if (bug := await self._bug_of(request)) is None:
                well += 1
            else:
                bugs.append((request, bug))
        if well:
            await until_passed(self._put_aside.went_well, WAITS)
        unsolved = [bug for request, bug in bugs if not await self._is_put_aside(request, bug)]
        if unsolved:
            self._crash(unsolved[0])

    async def _bug_of(self, request: Request) -> Exception | None:
        try:
            await self._until_done([request])
        except Exception as error:
            await self._end([request])
            return error
        return None

    async def _is_given_up(self, request: Request) -> bool:
        """Whether it has killed so many workers that it is put aside; else it is handled next, apart from others."""
        given_up = await until_passed(
            lambda: self._put_aside.begin_alone(request.message, request.event(), request.keep), WAITS
        )
        if given_up:
            request.done()
            await self._end([request])
        return given_up

    async def _is_put_aside(self, request: Request, bug: Exception) -> bool:
        judged = await until_passed(
            lambda: self._put_aside.judge(request.message, request.event(), request.keep, bug), WAITS
        )
        if judged:
            request.done()
        return judged
