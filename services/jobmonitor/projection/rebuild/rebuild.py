"""Rebuilds the views: replays the log into fresh tables beside the live ones, compares the two, and swaps them.

The live projection goes on all the while. To compare exactly and to swap, it is held for an instant: a lock on its
table of offsets, which readers do not notice, makes its next batch wait while the fresh tables are brought to the very
same offsets. The swap leads everybody, in one transaction, to tables that stand at the same offsets under the same
epochs: whoever waits, readers and the batch alike, goes on with the new ones.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, suppress
from typing import TypeAlias, TypeVar
from uuid import UUID

import asyncpg

from jobmonitor.database.pool import Pool, open_pool
from jobmonitor.projection.batch import Message, Rejected, read
from jobmonitor.projection.gc_tuning import tune_gc
from jobmonitor.projection.rebuild.findings import TABLES, Findings, compare, examples, tables_that_differ
from jobmonitor.projection.rebuild.log import Log
from jobmonitor.projection.rebuild.tables import (
    FRESH,
    SQL,
    RebuildRefused,
    carry_over,
    make_fresh_tables,
    must_be_swappable,
    remove_leftovers,
    swap_tables,
)
from jobmonitor.projection.store import Partition, Position, Store
from jobmonitor.runtime.retry import retry_context
from jobmonitor.runtime.settings import KafkaSettings

LOCK_KEY = 7_301_944_020
"""Of ``pg_advisory_lock``: one rebuild at a time."""
RETENTION_LOCK_KEY = 7_301_944_021
"""Who drops a month of jobs holds it meanwhile, for seconds at most (``registry.drop_month``)."""
BATCH_MESSAGES = 20_000
TELL_EVERY_S = 2.0
HOLD_AT_MOST_S = 2.0
"""So long the live projection may have to wait at first; then it is let go, and held again later."""
HOLD_LONGEST_S = 16.0
"""The same after several tries: a busy system must wait once. A flush waits for 30 s."""
TRIES_PER_HOLD = 3
OLD_READERS_S = 10.0
"""So long the end of readers' transactions is waited for before each try to swap, while nobody is held."""
ATTEMPTS = 30
IN_THE_WAY = (TimeoutError, asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError)
WRITERS_LOCK_TIMEOUT = "2s"
"""Only batches of the projection wait behind this lock."""
READERS_LOCK_TIMEOUT = "100ms"
"""Readers wait behind this one, table for table."""
POLL_S = 0.02
APPLICATION_NAME = "jobmonitor-rebuild"

Answer = TypeVar("Answer")
Offsets = dict[Partition, int]
Owner: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
Opened: TypeAlias = AsyncExitStack[bool | None]


class _FreshStore(Store):
    """Folds into the fresh tables and notifies nobody. What it cannot use is among the dead letters already."""

    def __init__(self, pool: Pool) -> None:
        super().__init__(pool, self._count, schema=FRESH)
        self.unusable = 0

    async def _count(self, rejected: Sequence[Rejected]) -> None:
        self.unusable += len(rejected)

    async def _notify(self, *_: object) -> None:
        return


class Rebuild:
    """One rebuild: ``open``, ``prepare``, ``swap`` if wanted, and ``close`` in any case."""

    def __init__(self, connection: Owner, pool: Pool, log: Log, tell: Callable[[str], None], opened: Opened) -> None:
        self._connection = connection
        self._pool = pool
        self._store = _FreshStore(pool)
        self._log = log
        self._tell = tell
        self._opened = opened
        self._positions: dict[Partition, Position] = {}
        self._compared = False
        self._touched: set[UUID] = set()
        """The jobs folded since everything was compared, or since they were."""
        self._messages = 0
        self._truncated = False
        self._carried_over = 0
        self.swapped = False

    @classmethod
    async def open(cls, owner_url: str, kafka: KafkaSettings, tell: Callable[[str], None]) -> "Rebuild":
        """``owner_url`` is the login of the tables' owner; ``tell`` gets lines about how far it is.

        Raises RebuildRefused: another one is running, or no broker answers.
        """
        async with AsyncExitStack() as stack:
            settings = {"application_name": APPLICATION_NAME, "timezone": "UTC"}
            connection = await asyncpg.connect(owner_url, server_settings=settings)
            stack.callback(connection.terminate)
            if not await SQL["try_lock"].fetchval(connection, key=LOCK_KEY):
                raise RebuildRefused("Another rebuild is running. Wait for its end.")
            await SQL["hold_off_retention"].execute(connection, key=RETENTION_LOCK_KEY)
            pool = await open_pool(owner_url, size=1, application_name=APPLICATION_NAME)
            stack.callback(pool.terminate)
            log = await Log.open(kafka)
            stack.push_async_callback(log.close)
            return cls(connection, pool, log, tell, stack.pop_all())

    async def prepare(self) -> Findings:
        """Replay and compare; the live tables stay as they are. Raises RebuildRefused."""
        tune_gc()
        if await remove_leftovers(self._connection):
            self._tell("Removed what an interrupted rebuild had left.")
        if not await self._live_offsets():
            raise RebuildRefused(
                "Nothing has been folded yet, so there is nothing to rebuild. Start the projection first."
            )
        await must_be_swappable(self._connection)
        await make_fresh_tables(self._connection)
        await self._follow(aloud=True)
        if self._truncated:
            self._carried_over = await carry_over(self._connection)
        await self._compare_all()
        return await self._held(self._findings)

    async def swap(self) -> Findings:
        """Put the rebuilt tables in place of the live ones. Returns what differed in that moment.

        Raises RebuildRefused: something stood in the way; the live tables are as they were.
        """
        await must_be_swappable(self._connection)
        findings = await self._held(self._swap, after_readers_s=OLD_READERS_S)
        self.swapped = True
        return findings

    async def close(self) -> None:
        """Remove what is of no use any more: the old tables after a swap, else the fresh ones.

        From here on ``swapped`` is what the database says, also after an interruption.
        """
        with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            self.swapped = await SQL["is_swapped"].fetchval(self._connection)
            await remove_leftovers(self._connection)
        await self._opened.aclose()

    # Replaying -------------------------------------------------------------------------------------------------------

    async def _live_offsets(self) -> Offsets:
        rows = await SQL["live_offsets"].fetch(self._connection)
        return {Partition(row["topic"], row["partition"]): row["next_offset"] for row in rows}

    async def _follow(self, *, aloud: bool = False) -> None:
        """Fold what the live tables have and the fresh ones do not have yet."""
        ends = await self._live_offsets()
        if unknown := ends.keys() - self._positions.keys():
            await self._take_in({partition: ends[partition] for partition in unknown})
        starts = {partition: position.next_offset for partition, position in self._positions.items()}
        progress = _ReplayProgress(
            self._tell if aloud else None, sum(ends[partition] - starts[partition] for partition in ends)
        )
        try:
            async for messages in self._log.up_to(ends, at_most=BATCH_MESSAGES):
                await self._fold(messages)
                progress.note(len(messages))
        except BaseException:
            self._rewind()
            raise

    async def _take_in(self, ends: Offsets) -> None:
        """Claim these partitions from the first message the log still has. Raises RebuildRefused: it is another log."""
        extent = await self._log.extent(ends)
        await self._log.must_be_whole({partition.topic for partition in ends})
        for (topic, number), (_, log_end) in extent.items():
            folded = ends[Partition(topic, number)]
            if folded > log_end:
                raise RebuildRefused(
                    f"The live tables are made of {folded:,} messages of {topic}, partition {number}, of which Kafka "
                    f"has had {log_end:,}: it is another log. Is it the right broker?"
                )
        self._truncated |= any(first > 0 for first, _ in extent.values())
        claimed = await self._store.claim(ends)
        self._positions |= {partition: Position(claimed[partition].epoch, extent[partition][0]) for partition in ends}
        self._rewind()

    async def _fold(self, messages: Sequence[Message]) -> None:
        moved = {
            (partition := Partition(message.topic, message.partition)): Position(
                self._positions[partition].epoch, message.offset + 1
            )
            for message in messages
        }
        batch = read(messages)
        await self._store.flush(batch, moved)
        self._positions |= moved
        if self._compared:
            self._touched.update(batch.job_ids())
        self._messages += len(messages)

    def _rewind(self) -> None:
        """Read on after what is folded."""
        self._log.rewind({partition: position.next_offset for partition, position in self._positions.items()})

    # Comparing and swapping ------------------------------------------------------------------------------------------

    async def _compare_all(self) -> None:
        """Compare everything while the projection goes on; what it folds meanwhile is compared again when held."""
        self._tell("Comparing the rebuilt tables with the live ones.")
        for table in TABLES:
            await self._connection.execute(f"VACUUM (ANALYZE) {FRESH}.{table}")
        await self._follow()
        self._compared = True
        async with self._connection.transaction(isolation="repeatable_read"):
            await compare(self._connection)

    async def _findings(self) -> Findings:
        return Findings(
            messages=self._messages,
            unusable=self._store.unusable,
            carried_over=self._carried_over,
            tables=await tables_that_differ(self._connection),
            examples=await examples(self._connection),
        )

    async def _swap(self) -> Findings:
        findings = await self._findings()
        await self._wait_for_old_readers()
        await self._connection.execute(f"SET LOCAL lock_timeout = '{READERS_LOCK_TIMEOUT}'")
        await SQL["take_over_offsets"].execute(self._connection)
        await swap_tables(self._connection)
        await SQL["notify_differing"].execute(self._connection)
        return findings

    async def _held(self, act: Callable[[], Awaitable[Answer]], *, after_readers_s: float = 0.0) -> Answer:
        """Do this in a transaction during which both sides stand at the same offsets and differ as noted.

        Before each try the end of readers' transactions is waited for so long, while nobody is held.
        Somebody in the way, a slow reader for instance, makes it try again. Raises RebuildRefused after the last try.
        """
        # no limit here: the last try refuses
        async for attempt in retry_context(on=IN_THE_WAY, attempts=None, timeout=None, wait_max=1.0, wait_jitter=0.1):
            with suppress(TimeoutError):
                async with asyncio.timeout(after_readers_s):
                    await self._wait_for_old_readers()
            await self._follow()
            with attempt:
                return await self._try_held(act, attempt.num)
        raise AssertionError("unreachable")

    async def _try_held(self, act: Callable[[], Awaitable[Answer]], attempt: int) -> Answer:
        answer: Answer | None = None
        try:
            async with asyncio.timeout(_hold_s(attempt)), self._connection.transaction():
                await self._hold()
                answer = await act()
        except IN_THE_WAY as error:
            if answer is not None and await SQL["is_swapped"].fetchval(self._connection):
                return answer  # the time was up just as the server had committed
            if attempt < ATTEMPTS:
                raise
            refusal = "Long transactions hold the live tables. End them, and start the rebuild again."
            raise RebuildRefused(refusal) from error
        self._touched.clear()
        return answer

    async def _hold(self) -> None:
        """Readers do not notice; the projection's next batch waits until the transaction ends."""
        await self._connection.execute(f"SET LOCAL lock_timeout = '{WRITERS_LOCK_TIMEOUT}'")
        await SQL["hold"].execute(self._connection)
        await self._follow()
        await SQL["add_months"].execute(self._connection)
        await compare(self._connection, list(self._touched))

    async def _wait_for_old_readers(self) -> None:
        """A reader whose transaction began before the newest rebuilt rows would not see them in the new tables."""
        old = await self._readers()
        while old:
            await asyncio.sleep(POLL_S)
            old &= await self._readers()

    async def _readers(self) -> set[str]:
        return {row["virtualtransaction"] for row in await SQL["old_snapshots"].fetch(self._connection)}


def _hold_s(attempt: int) -> float:
    """How long the live projection may be held at this attempt, the first being 1."""
    return float(min(HOLD_LONGEST_S, HOLD_AT_MOST_S * 2 ** ((attempt - 1) // TRIES_PER_HOLD)))


class _ReplayProgress:
    """Says every two seconds how far a replay is."""

    def __init__(self, tell: Callable[[str], None] | None, total: int) -> None:
        self._tell = tell
        self._total = total
        self._done = 0
        self._began_at = self._told_at = time.monotonic()

    def note(self, messages: int) -> None:
        self._done += messages
        now = time.monotonic()
        if self._tell and (now - self._told_at >= TELL_EVERY_S or self._done >= self._total):
            self._told_at = now
            rate = self._done / max(now - self._began_at, 0.001)
            percent = 100 * self._done // max(self._total, 1)
            self._tell(f"Replayed {self._done:,} of {self._total:,} messages, {percent} %, {rate:,.0f}/s.")
