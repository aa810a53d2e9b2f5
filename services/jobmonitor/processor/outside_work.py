"""A chunk with effects outside the database: reserved and committed, acted on without a connection, then recorded.

What is in doubt is recorded as unknown and never done again; what was surely not begun is left for whoever comes next.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import msgspec
import structlog

from jobmonitor.database.pool import Connection, see_account
from jobmonitor.job_types.children import Children
from jobmonitor.job_types.outside import Answers, Later, Outside, OutsideContext, Settled
from jobmonitor.job_types.protocol import NO_CPU, Context, Cpu, RetryPolicy, Stopped
from jobmonitor.ledger import Claim, LeaseLost, Ledger
from jobmonitor.ledger.claims import JobStops, LeftChunk, reserve
from jobmonitor.ledger.leases import JobStopped
from jobmonitor.processor.part_files import PartFiles
from jobmonitor.processor.settling import Acting, Reserved, checked_answers
from jobmonitor.processor.type_code import type_code
from jobmonitor.runtime.failures import ServiceAway
from jobmonitor.runtime.objects import ObjectStore
from jobmonitor.runtime.retry import until_passed

END_AT_MOST_S = 5.0
"""How long the end of the process waits for what was acted on to be recorded."""

log = structlog.stdlib.get_logger()
_decoder = msgspec.json.Decoder(Reserved)

MakeContext = Callable[[Claim, Connection, asyncio.Event], Context]


class OutsideWork:
    """Does the chunks of one job type that has effects outside."""

    def __init__(
        self,
        outside: Outside[Any],
        retries: RetryPolicy,
        ledger: Ledger,
        objects: ObjectStore,
        parts: PartFiles,
        *,
        lease: timedelta,
        stop_within_s: float,
        context: MakeContext,
        cpu: Cpu = NO_CPU,
    ) -> None:
        self._outside = outside
        self._retries = retries
        self._ledger = ledger
        self._objects = objects
        self._parts = parts
        self._lease = lease
        self._stop_within_s = stop_within_s
        self._context = context
        self._cpu = cpu
        self._ending = asyncio.Event()

    def end(self) -> None:
        """The worker ends: no further effect is begun."""
        self._ending.set()

    async def do(self, claimed: Claim, params: Any) -> None:
        """Reserve, act, record. What an earlier worker reserved is recorded as unknown instead.

        Raises LeaseLost, and whatever kept it from acting on all; what it did act on is recorded then too.
        """
        if claimed.reserved is not None:
            await self._settle_found(claimed, params)
            return
        acting: Acting | None = None
        try:
            async with self._ledger.leases.kept(claimed, lease=self._lease, stop_within_s=self._stop_within_s) as stop:
                acting = await self._reserve(claimed, params, stop)
                await self._act(claimed, params, acting, stop)
        except LeaseLost:
            raise
        except (Exception, asyncio.CancelledError) as error:
            await _to_its_end(self._end_early(claimed, params, acting, error))
            raise
        await _to_its_end(self._record(claimed, params, acting, []))

    async def _settle_found(self, claimed: Claim, params: Any) -> None:
        acting = self._acting(claimed, _decoder.decode(msgspec.json.encode(claimed.reserved)))
        log.warning("effects_unknown", job_id=str(claimed.job_id), chunk=claimed.chunk, units=len(acting.effects()))
        acting.found_after_crash()
        await _to_its_end(self._record(claimed, params, acting, []))

    async def _reserve(self, claimed: Claim, params: Any, stop: asyncio.Event) -> Acting:
        """What is to be done is committed, under the lease, before anything of it is done."""
        async with self._ledger.transaction() as transaction:
            await see_account(transaction.connection, claimed.account_id)
            context = self._context(claimed, transaction.connection, stop)
            with type_code():
                answers = await self._outside.reserve(params, claimed.payload, context)
                reserved = checked_answers(claimed.payload, answers, units=claimed.units)
            try:
                await reserve(transaction.connection, claimed, msgspec.to_builtins(reserved))
            except JobStops as stops:
                raise Stopped from stops
        return self._acting(claimed, reserved)

    def _acting(self, claimed: Claim, reserved: Reserved) -> Acting:
        return Acting(claimed.payload, [*reserved], claimed.times_left, self._retries.later_max)

    async def _act(self, claimed: Claim, params: Any, acting: Acting, stop: asyncio.Event) -> None:
        """Ask for one answer after the other. Raises Stopped where a stop, or the worker's end, leaves some over."""
        if not (effects := acting.effects()):
            return
        with type_code():
            answers = self._outside.act(params, [each for _, each in effects], self._outside_context(claimed, stop))
        try:
            for place, _ in effects:
                await self._ledger.leases.confirm(claimed)
                if stop.is_set() or self._ending.is_set():
                    raise Stopped
                acting.begin(place)
                acting.answer(await _next(answers, acting))
        finally:
            with type_code():
                await answers.aclose()

    def _outside_context(self, claimed: Claim, stop: asyncio.Event) -> OutsideContext:
        return OutsideContext(
            objects=self._objects,
            account_id=claimed.account_id,
            owner_id=claimed.owner_id,
            job_id=claimed.job_id,
            attempt=claimed.attempt,
            times_left=claimed.times_left,
            stop_requested=stop,
            cpu=self._cpu,
        )

    async def _end_early(self, claimed: Claim, params: Any, acting: Acting | None, error: BaseException) -> None:
        """Record what was acted on; the rest can be tried again. Raises LeaseLost."""
        if acting is not None:
            acting.interrupted()
        if acting is None or acting.nothing_happened():
            await until_passed(lambda: self._ledger.claims.unreserve(claimed), "ledger_away")
            return
        log.warning("acting_ended_early", job_id=str(claimed.job_id), chunk=claimed.chunk, error=repr(error))
        await self._record(claimed, params, acting, self._rest(claimed, acting.not_begun(), error))

    def _rest(self, claimed: Claim, units: Sequence[Any], error: BaseException) -> list[LeftChunk]:
        """A chunk of the units that were not begun, which goes on with the tries of this one."""
        if not units:
            return []
        stopped = isinstance(error, Stopped | JobStopped | asyncio.CancelledError)
        pause_s = 0.0 if stopped else self._retries.pause_first_s
        uncounted = claimed.uncounted + (stopped or isinstance(error, ServiceAway))
        pause = timedelta(seconds=pause_s)
        told = claimed.last_error if stopped else repr(error)
        return [LeftChunk(len(units), units, pause, claimed.times_left, claimed.attempt, uncounted, told)]

    async def _record(self, claimed: Claim, params: Any, acting: Acting | None, rest: list[LeftChunk]) -> None:
        """However long the database is away: whoever finds the reservation instead knows nothing of it."""
        assert acting is not None  # noqa: S101 - set before anything is acted on
        left = [
            LeftChunk(len(units), units, timedelta(seconds=after_s), claimed.times_left + 1)
            for after_s, units in acting.later().items()
        ]
        give_up_at = time.monotonic() + self._retries.outage_max_s
        async with self._ledger.leases.kept(claimed, lease=self._lease) as stop:
            await until_passed(
                lambda: self._record_once(claimed, params, acting, [*left, *rest], stop),
                "record_waits",
                goes_on=lambda: time.monotonic() < give_up_at,
                job_id=str(claimed.job_id),
                chunk=claimed.chunk,
            )

    async def _record_once(
        self, claimed: Claim, params: Any, acting: Acting, left: list[LeftChunk], stop: asyncio.Event
    ) -> None:
        try:
            async with self._ledger.transaction() as transaction:
                await see_account(transaction.connection, claimed.account_id)
                context = self._context(claimed, transaction.connection, stop)
                context = replace(context, submit=Children(transaction, claimed))
                with type_code():
                    recorded = await self._outside.record(params, acting.settled(), context)
                part_key = await self._parts.store(claimed, recorded.content)
                await transaction.finish_chunk(claimed, acting.counts(recorded.rows), part_key=part_key, left=left)
        except LeaseLost:
            await self._parts.discard(claimed)
            raise


async def _next(answers: Answers, acting: Acting) -> Settled | Later | None:
    """The next answer, None where there is none. Raises whatever the job type raises."""
    try:
        with type_code():
            return await anext(answers, None)
    except ServiceAway:
        acting.was_not_begun()
        raise


async def _to_its_end(work: Coroutine[Any, Any, None]) -> None:
    """Do it even when the process ends meanwhile, for some seconds. A cancellation then still is one."""
    task = asyncio.create_task(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        if not task.done():
            await asyncio.wait([task], timeout=END_AT_MOST_S)
        task.cancel()
        raise
