"""Submits and stops the plan's jobs when their time comes, and remembers what it was told."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from datetime import UTC, datetime, timedelta

from chaos.doors import SUPER_ADMINS, Answer, Door, GatewayDoor, KafkaDoor
from chaos.history import History, Outcome, Told
from chaos.plan import Job, Plan, Way
from chaos.shapes import RECOVERY, Parameters, Shape
from jobmonitor.contract.job_ids import job_id_for
from jobmonitor.gateway.adapters.broker import Broker
from support.brokers import broker_at
from support.samples import Sample

AGAIN_AFTER_S = 0.5
OWNER_ELSEWHERE = 1000
"""Added to the number of an account whose users are not in our tables."""
GIVE_UP_AFTER_S = 120.0
"""A client that got no answer for so long gives up; then it does not know."""


class Load:
    """The clients of one run. Use as a context manager."""

    def __init__(self, plan: Plan, history: History, *, kafka_bootstrap: str, http_url: str) -> None:
        self._plan = plan
        self._history = history
        self._broker = Broker(broker_at(kafka_bootstrap))
        self._kafka = KafkaDoor(self._broker)
        self._gateways = {account_id: GatewayDoor(http_url, account_id) for account_id in SUPER_ADMINS}
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> "Load":
        connecting = asyncio.create_task(self._broker.run())
        self._stack.push_async_callback(_cancelled, connecting)
        for door in self._gateways.values():
            self._stack.push_async_callback(door.close)
        while not self._broker.check().ok:
            await asyncio.sleep(0.05)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def run(self, began_s: float) -> None:
        """Return when every job of the plan was submitted and stopped, or given up. ``began_s`` on the loop's clock."""
        async with asyncio.TaskGroup() as tasks:
            for job in self._plan.jobs:
                tasks.create_task(self._job(job, began_s))

    async def submit_recovery(self, key: str, account_id: int, way: Way) -> Told:
        """Submit a no-op now, as often as it takes."""
        told = self._told(RECOVERY, key, account_id)
        await self._until_told("submit", told, lambda: self._door(way, account_id).submit(told))
        return told

    async def _job(self, job: Job, began_s: float) -> None:
        await asyncio.sleep(began_s + job.at_s - asyncio.get_running_loop().time())
        key, door = self._plan.key(job.number), self._door(job.way, job.account_id)
        told = self._told(job.shape, key, job.account_id)
        told.parameters = await self._prepared(job, job.shape.sample) if job.shape.sample else job.parameters
        told.run_at = datetime.now(UTC) + timedelta(seconds=job.run_in_s) if job.run_in_s is not None else None
        await self._submit(job, told, door)
        if told.submitted == "ok":
            told.missed = await self._try("read", told, lambda: door.read(told)) == "fail"
            if job.stop_in_s is not None:
                await asyncio.sleep(job.stop_in_s)
                told.stopped = await self._until_told("stop", told, lambda: door.stop(told))

    async def _prepared(self, job: Job, sample: Sample) -> Parameters:
        """The parameters of a sample, its file uploaded, as often as it takes; empty ones when nobody answers."""
        door, ends_at = self._gateways[job.account_id], time.monotonic() + GIVE_UP_AFTER_S
        key, slug = self._plan.key(job.number), job.shape.job_type
        while (parameters := await door.prepare(slug, sample, key, job.file_rows)) is None:
            if time.monotonic() > ends_at:
                return {}
            await asyncio.sleep(AGAIN_AFTER_S)
        return parameters

    async def _submit(self, job: Job, told: Told, door: Door) -> None:
        if job.tries == "once":
            told.submitted = await self._try("submit", told, lambda: door.submit(told))
            return
        told.submitted = await self._until_told("submit", told, lambda: door.submit(told))
        if job.tries == "once more":
            await self._try("submit", told, lambda: door.submit(told))

    def _told(self, shape: Shape, key: str, account_id: int) -> Told:
        owner_id = SUPER_ADMINS[account_id][0] if account_id in SUPER_ADMINS else OWNER_ELSEWHERE + account_id
        return self._history.add(
            Told(
                job_id=job_id_for(account_id, key),
                key=key,
                shape=shape.name,
                account_id=account_id,
                owner_id=owner_id,
                job_type=shape.job_type,
                parameters={"units": 0, "file": False},
                asked_at=datetime.now(UTC),
            )
        )

    def _door(self, way: Way, account_id: int) -> Door:
        return self._kafka if way == "kafka" else self._gateways[account_id]

    async def _until_told(self, operation: str, told: Told, ask: Callable[[], Awaitable[Answer]]) -> Outcome:
        """Ask the same until there is an answer."""
        ends_at = time.monotonic() + GIVE_UP_AFTER_S
        while (outcome := await self._try(operation, told, ask)) == "info" and time.monotonic() < ends_at:
            await asyncio.sleep(AGAIN_AFTER_S)
        if operation == "submit":
            told.submitted = outcome
        return outcome

    async def _try(self, operation: str, told: Told, ask: Callable[[], Awaitable[Answer]]) -> Outcome:
        began_at = datetime.now(UTC)
        outcome, answer = await ask()
        if operation == "submit" and outcome == "ok" and told.accepted_at is None:
            told.accepted_at = datetime.now(UTC)
        self._history.write(operation, told, outcome, began_at=began_at, answer=answer)
        return outcome


async def _cancelled(task: "asyncio.Task[None]") -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
