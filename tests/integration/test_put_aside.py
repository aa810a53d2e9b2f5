"""A request that ends its worker does so a few times, never for ever; a fault of all requests puts few aside."""

import asyncio
from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime
from typing import NoReturn
from uuid import UUID, uuid4

import pytest

from jobmonitor.contract.envelope import Event
from jobmonitor.contract.events import JobFailed, JobSubmitted
from jobmonitor.contract.topics import requests_topic
from jobmonitor.ledger.suspects import Suspects
from jobmonitor.processor.put_aside import PutAside
from jobmonitor.processor.request_queue import Request, RequestQueue, request_of
from jobmonitor.processor.requests import RequestHandler
from jobmonitor.runtime.poison import ENDS_MAX, IN_A_ROW_MAX
from support.engine import Engine
from support.waiting import until

TOPIC = requests_topic("probe")


class OfOneWorker(PutAside):
    """A worker that was killed writes nothing down any more."""

    killed = False

    async def end(self, messages: Collection[str]) -> None:
        if not self.killed:
            await super().end(messages)


class Workers:
    """Workers one after the other, each ending by the next bug. What is not done comes to the next one again."""

    def __init__(
        self, engine: Engine, is_broken: Callable[[UUID], bool], kills: Callable[[UUID], bool] = lambda _: False
    ) -> None:
        """What ``kills`` ends its worker without a word, as a SIGKILL does."""
        self.ends = 0
        self._kills = kills
        self._ended = asyncio.Event()
        self.kept: list[UUID] = []
        self.waiting: dict[UUID, Event] = {}
        self._is_broken = is_broken
        self._handler = RequestHandler(engine.probe, engine.ledger, engine.acceptor)
        self._suspects = Suspects(engine.ledger.pool, TOPIC)
        self._put_aside = self._of_next()

    def _of_next(self) -> OfOneWorker:
        return OfOneWorker(self._suspects, TOPIC, self._handler.fail)

    def submit(self) -> UUID:
        job_id = uuid4()
        data = JobSubmitted(account_id=1, owner_id=2, job_type="probe", parameters={"units": 1})
        self.waiting[job_id] = Event(id=str(uuid4()), source="/tests", job_id=job_id, time=datetime.now(UTC), data=data)
        return job_id

    async def run_one(self) -> None:
        """Until everything is done, or a bug ends this worker."""
        ended = self._ended = asyncio.Event()
        self._put_aside = self._of_next()

        def crash(error: BaseException) -> NoReturn:
            self.ends += 1
            ended.set()
            raise asyncio.CancelledError

        async def over() -> bool:
            return ended.is_set() or not self.waiting

        queue = RequestQueue(self._handle, self._put_aside, crash=crash)
        for event in list(self.waiting.values()):
            await queue.add(1, self._request(event))
        queue.start()
        await until(over)
        await queue.stop()

    async def stop_one_at_work(self) -> None:
        """In good order, while the handling of what waits does not get on."""
        at_work = asyncio.Event()

        async def hang(events: Sequence[Event]) -> None:
            at_work.set()
            await asyncio.Event().wait()

        queue = RequestQueue(hang, self._of_next(), crash=lambda _: pytest.fail("nothing failed"))
        for event in list(self.waiting.values()):
            await queue.add(1, self._request(event))
        queue.start()
        await asyncio.wait_for(at_work.wait(), 20)
        await queue.stop()

    def _request(self, event: Event) -> Request:
        async def keep(reason: str) -> None:
            self.kept.append(event.job_id)

        return request_of(event, 1, lambda: self.waiting.pop(event.job_id), keep)

    async def _handle(self, events: Sequence[Event]) -> None:
        for event in events:
            if self._kills(event.job_id):
                self.ends += 1
                self._put_aside.killed = True
                self._ended.set()
                await asyncio.Event().wait()  # nothing more is heard of this worker
            if self._is_broken(event.job_id):
                raise ZeroDivisionError(f"\x00 {event.job_id}")
        await self._handler.handle(events)


async def test_a_request_ends_its_worker_a_few_times_then_its_job_fails_and_others_never_wait(engine: Engine) -> None:
    broken: set[UUID] = set()
    workers = Workers(engine, broken.__contains__)
    broken.add(workers.submit())
    others = [workers.submit() for _ in range(3)]
    await workers.run_one()
    for job_id in others:
        assert (await engine.run(job_id))["state"] == "queued", "done before the first worker ended"
    while workers.waiting:
        await workers.run_one()
    assert workers.ends == ENDS_MAX - 1
    assert workers.kept == list(broken)
    failed = (await engine.facts(*broken))[-1]
    assert isinstance(failed, JobFailed)
    assert failed.code == "put_aside"
    assert "put aside" in failed.reason


async def test_a_request_that_kills_its_worker_outright_does_so_five_times_and_no_more(engine: Engine) -> None:
    deadly: set[UUID] = set()
    workers = Workers(engine, lambda _: False, kills=deadly.__contains__)
    deadly.add(workers.submit())
    others = [workers.submit() for _ in range(3)]
    while workers.waiting:
        await workers.run_one()
    assert (workers.ends, workers.kept) == (ENDS_MAX, list(deadly))
    assert [(await engine.run(job_id))["state"] for job_id in others] == ["queued"] * 3
    failed = (await engine.facts(*deadly))[-1]
    assert isinstance(failed, JobFailed)
    assert failed.code == "put_aside"
    assert await engine.owner.fetchval("SELECT count(*) FROM ledger.begun_requests") == 0


async def test_workers_stopped_in_good_order_put_nothing_aside(engine: Engine) -> None:
    workers = Workers(engine, lambda _: False)
    job_id = workers.submit()
    for _ in range(ENDS_MAX + 3):
        await workers.stop_one_at_work()
    await workers.run_one()
    assert (workers.kept, (await engine.run(job_id))["state"]) == ([], "queued")


async def test_workers_killed_by_somebody_put_nothing_aside(engine: Engine) -> None:
    """Each time another request is under way: none of them is to blame."""
    innocent: list[UUID] = []
    workers = Workers(engine, lambda _: False, kills=lambda job_id: job_id in innocent[-1:] and workers.ends < 8)
    while len(innocent) < 8:
        innocent.append(workers.submit())
        await workers.run_one()
    innocent.clear()
    while workers.waiting:
        await workers.run_one()
    assert (workers.ends, workers.kept) == (8, [])


async def test_a_copy_of_what_was_put_aside_is_passed_over(engine: Engine) -> None:
    workers = Workers(engine, lambda _: True)
    job_id = workers.submit()
    again = dict(workers.waiting)
    while workers.waiting:
        await workers.run_one()
    ends = workers.ends
    workers.waiting = again
    await workers.run_one()
    assert (workers.ends, workers.kept) == (ends, [job_id])


async def test_a_fault_of_every_request_puts_few_aside_and_loses_nothing(engine: Engine) -> None:
    is_wrong = True
    workers = Workers(engine, lambda _: is_wrong)
    jobs = [workers.submit() for _ in range(IN_A_ROW_MAX + 4)]
    for _ in range(3 * ENDS_MAX):
        await workers.run_one()
    assert len(workers.kept) == IN_A_ROW_MAX
    assert len(workers.waiting) == 4
    is_wrong = False  # somebody mended the tables
    await workers.run_one()
    assert not workers.waiting
    states = [(await engine.run(job_id))["state"] for job_id in jobs]
    assert sorted(states) == ["failed"] * IN_A_ROW_MAX + ["queued"] * 4
