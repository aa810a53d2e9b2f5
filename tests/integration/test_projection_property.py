"""Whatever the way the events arrive, the tables are the same bytes: properties on a real PostgreSQL.

The registry is given the Job#s first, as every rebuild finds them: so whole rows are compared, no column left out. The
numbers alone depend on the order in which jobs are first seen.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobmonitor.contract.envelope import Event
from jobmonitor.contract.events import Fact, JobStopRequested
from jobmonitor.database.pool import Pool
from jobmonitor.job.evolve import state_after
from jobmonitor.job.state import ENDED, State
from jobmonitor.projection.batch import Message, Rejected, read
from jobmonitor.projection.store import Partition, Position, Store
from support.lives import PARTITIONS, Delivery, Sent, deliveries, in_order, jobs
from support.projecting import TABLES, Read, home_of

JOB_TYPE = "user-data-export"
LIVES = jobs(JOB_TYPE)
EXAMPLES = settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])

Dump = dict[str, list[str]]


@dataclass
class Tables:
    """The projection's tables, two stores that write them, and the log that was delivered so far."""

    owner: "asyncpg.Connection[asyncpg.Record]"
    pool: Pool
    log: list[Read] = field(default_factory=list)
    batches: list[tuple[list[Read], bool]] = field(default_factory=list)
    """The log as it was cut, and whether two stores shared the batch, so that its order is anybody's."""
    letters: dict[tuple[str, int, int], Rejected] = field(default_factory=dict)
    """The dead letters by their position, once each however often their batch was tried."""

    async def begin_again(self, events: Sequence[Event]) -> None:
        """Empty tables, an empty log, and a Job# for each job."""
        self.log, self.batches, self.letters = [], [], {}
        for table in (*TABLES, "offsets"):
            await self.owner.execute(f"DELETE FROM projection.{table}")
        await self.owner.execute("DELETE FROM registry.job_numbers")
        numbers = {event.job_id: None for event in events}
        await self.owner.execute(
            "INSERT INTO registry.job_numbers (job_id, number) OVERRIDING SYSTEM VALUE "
            "SELECT * FROM unnest($1::uuid[]) WITH ORDINALITY",
            list(numbers),
        )

    async def arrive(self, batch: list[Sent], *, shared: bool) -> None:
        """Append the batch to the log and fold it, by one store or by two with a partition each at once."""
        messages = []
        for sent in batch:
            topic = home_of(sent.value, JOB_TYPE)
            offset = sum((message.topic, message.partition) == (topic, sent.partition) for message in self.log)
            messages.append(Read(topic, sent.partition, offset, b"", sent.value))
            self.log.append(messages[-1])
        self.batches.append((messages, shared))
        if shared:
            ways = [[message for message in messages if message.partition == number] for number in range(PARTITIONS)]
            await asyncio.gather(*(self.fold(way) for way in ways if way))
        else:
            await self.fold(messages)

    async def deliver(self, delivery: Delivery) -> None:
        for batch, shared in zip(delivery.batches, delivery.shared, strict=True):
            await self.arrive(batch, shared=shared)

    async def redrive(self) -> int:
        """Publish again what decodes and yet was refused, as operators do. Returns how many letters are no events.

        So with wishes to stop that came before all else of their job. The views leave these to the worker, which keeps
        them; its facts, which would tell what came of them, are not in these lives.
        """
        refused = [letter for letter in self.letters.values() if not read([letter.message]).undecodable]
        undecodable = len(self.letters) - len(refused)
        values = [*(letter.message.value for letter in refused), *self._too_early()]
        self.letters.clear()
        await self.arrive([Sent(0, value) for value in values], shared=False)
        return undecodable

    def _too_early(self) -> list[bytes]:
        """The wishes to stop of which no copy is sure to have come after something else of its job."""
        early: dict[str, bytes] = {}
        known: set[UUID] = set()
        for messages, shared in self.batches:
            introduced = set(known)
            for value, event in _events(messages):
                if not isinstance(event.data, JobStopRequested):
                    introduced.add(event.job_id)
                elif event.job_id in (known if shared else introduced):
                    early.pop(event.id, None)
                else:
                    early[event.id] = value
            known = introduced
        return list(early.values())

    async def fold(self, messages: Sequence[Read]) -> None:
        """Fold these with a store of their own, again where two that met at one job gave way to each other."""
        if not messages:
            return
        store = Store(self.pool, self._keep)
        ends = {Partition(message.topic, message.partition): message.offset + 1 for message in messages}
        places = await store.claim(ends)
        moved = {partition: Position(places[partition].epoch, end) for partition, end in ends.items()}
        while True:
            try:
                await store.flush(read(messages), moved)
            except asyncpg.TransactionRollbackError:
                continue
            return

    async def _keep(self, rejected: Sequence[Rejected]) -> None:
        self.letters |= {_position(letter.message): letter for letter in rejected}

    async def dump(self) -> Dump:
        """All rows as PostgreSQL writes them, sorted."""
        return {
            table: [row[0] for row in await self.owner.fetch(f"SELECT t::text FROM projection.{table} AS t ORDER BY 1")]
            for table in TABLES
        }

    async def offsets(self) -> list[tuple[str, int, int]]:
        rows = await self.owner.fetch("SELECT topic, partition, next_offset FROM projection.offsets ORDER BY 1, 2")
        return [tuple(row) for row in rows]

    async def sequences(self) -> dict[UUID, int]:
        return {row["job_id"]: row["sequence"] for view in TABLES[:2] for row in await self._jobs(view)}

    async def listed(self, view: str) -> set[UUID]:
        return {row["job_id"] for row in await self._jobs(view)}

    async def _jobs(self, view: str) -> list[asyncpg.Record]:
        return await self.owner.fetch(f"SELECT job_id, sequence FROM projection.{view}")


def _events(messages: Sequence[Read]) -> list[tuple[bytes, Event]]:
    """Those that are events, with their bytes."""
    arrivals = read(messages)
    return [(message.value, event) for message, event in arrivals.of_jobs(arrivals.job_ids()) if message.value]


def _position(message: Message) -> tuple[str, int, int]:
    return message.topic, message.partition, message.offset


@pytest.fixture
def tables(superuser: "asyncpg.Connection[asyncpg.Record]", projection_pool: Pool) -> Tables:
    return Tables(superuser, projection_pool)


def _all(several: list[list[Event]]) -> list[Event]:
    return [event for life in several for event in life]


@EXAMPLES
@given(LIVES, st.data())
async def test_i27_duplicated_shuffled_day_late_and_undecodable_events_leave_the_same_bytes(
    tables: Tables, several: list[list[Event]], data: st.DataObject
) -> None:
    events = _all(several)
    await tables.begin_again(events)
    await tables.deliver(in_order(events))
    plain = await tables.dump()
    assert not tables.letters
    assert len(plain["job_monitor"]) + len(plain["job_history"]) == len(several)

    delivery = data.draw(deliveries(events))
    await tables.begin_again(events)
    await tables.deliver(delivery)
    assert await tables.redrive() == delivery.undecodable
    assert await tables.dump() == plain
    assert not tables.letters


@EXAMPLES
@given(LIVES, st.data())
async def test_i27_the_tables_are_the_fold_of_the_log_up_to_the_stored_offsets_however_it_was_cut(
    tables: Tables, several: list[list[Event]], data: st.DataObject
) -> None:
    events = _all(several)
    delivery = data.draw(deliveries(events))
    so_far = data.draw(st.integers(1, len(delivery.batches)))
    await tables.begin_again(events)
    for batch, shared in list(zip(delivery.batches, delivery.shared, strict=True))[:so_far]:
        await tables.arrive(batch, shared=shared)
    log, offsets = list(tables.log), await tables.offsets()
    undecodable = await tables.redrive()
    incremental = await tables.dump()

    await tables.begin_again(events)
    await tables.fold(log)
    assert await tables.offsets() == offsets
    tables.log, tables.batches = list(log), [(log, False)]
    assert await tables.redrive() == undecodable
    assert await tables.dump() == incremental


@EXAMPLES
@given(LIVES, st.data())
async def test_i7_sequences_only_rise_and_a_doubled_or_older_event_changes_no_byte(
    tables: Tables, several: list[list[Event]], data: st.DataObject
) -> None:
    events = _all(several)
    await tables.begin_again(events)
    before: dict[UUID, int] = {}
    delivery = data.draw(deliveries(events))
    for batch, shared in zip(delivery.batches, delivery.shared, strict=True):
        await tables.arrive(batch, shared=shared)
        after = await tables.sequences()
        assert all(after[job_id] >= sequence for job_id, sequence in before.items())
        before = after
    await tables.redrive()
    whole = await tables.dump()

    again = data.draw(st.lists(st.sampled_from(events), min_size=1, max_size=6))
    await tables.deliver(in_order(again))
    assert await tables.dump() == whole
    newest = {life[0].job_id: max(getattr(event.data, "sequence", 0) for event in life) for life in several}
    assert await tables.sequences() == newest


@EXAMPLES
@given(LIVES, st.data())
async def test_i21_i22_a_job_is_in_one_view_and_one_that_left_the_monitor_stays_in_the_history(
    tables: Tables, several: list[list[Event]], data: st.DataObject
) -> None:
    await tables.begin_again(_all(several))
    delivery = data.draw(deliveries(_all(several)))
    seen: set[UUID] = set()
    left: set[UUID] = set()
    for batch, shared in zip(delivery.batches, delivery.shared, strict=True):
        await tables.arrive(batch, shared=shared)
        monitor, history = await tables.listed("job_monitor"), await tables.listed("job_history")
        assert not monitor & history
        assert left <= history
        assert seen <= monitor | history
        seen, left = monitor | history, history


@EXAMPLES
@given(LIVES, st.data())
async def test_facts_alone_leave_the_same_bytes_as_facts_and_requests(
    tables: Tables, several: list[list[Event]], data: st.DataObject
) -> None:
    """Of jobs a worker has heard of, and whose wishes to stop have come to something, or to nothing with their end."""
    heard = [life for life in several if any(_has_heard(event) for event in life)]
    lives = [life for life in heard if not _wish_is_open(life)]
    await tables.begin_again(_all(lives))
    await tables.deliver(data.draw(deliveries(_all(lives))))
    await tables.redrive()
    both = await tables.dump()

    await tables.begin_again(_all(lives))
    await tables.deliver(in_order([event for event in _all(lives) if isinstance(event.data, Fact)]))
    assert not tables.letters
    assert await tables.dump() == both


def _has_heard(event: Event) -> bool:
    return isinstance(event.data, Fact) and event.data.sequence == 1


def _wish_is_open(life: list[Event]) -> bool:
    states = [state for event in life if isinstance(event.data, Fact) and (state := state_after(event.data))]
    waits = not {State.STOPPING, *ENDED} & set(states)
    return waits and any(isinstance(event.data, JobStopRequested) for event in life)
