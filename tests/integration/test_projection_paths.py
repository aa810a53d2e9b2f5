"""The ways into the tables: few rows and many, read before or not, by several processes, with a crash on the way.

All leave the same bytes.
"""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import pytest

from jobmonitor.contract.envelope import Event
from jobmonitor.contract.topics import jobs_topic
from jobmonitor.database.pool import Pool
from jobmonitor.projection.batch import Rejected, read
from jobmonitor.projection.store import Fenced, Partition, Position, Store
from support.job_events import JobEvents, ordinary_life, result_of
from support.projecting import TABLES, arrived
from support.waiting import until

JOB_TYPE = "user-data-export"
WAYS = [Partition(jobs_topic(JOB_TYPE), number) for number in range(3)]
FEW = {"arrays": 10**9, "copied": 0}
"""So many rows travel as arrays."""


@dataclass
class Tables:
    """The projection's tables, and stores that write them."""

    owner: "asyncpg.Connection[asyncpg.Record]"
    pool: Pool
    rejected: list[Rejected] = field(default_factory=list)

    def store(self, few: int = 500) -> Store:
        return Store(self.pool, self._keep, few=few)

    async def _keep(self, rejected: Sequence[Rejected]) -> None:
        self.rejected.extend(rejected)

    async def dump(self) -> dict[str, list[str]]:
        """Every row as text; of the offsets all but when they were claimed, which no two runs have in common."""
        texts = dict.fromkeys(TABLES, "t::text") | {"offsets": "(to_jsonb(t) - 'claimed_at')::text"}
        return {
            table: [row[0] for row in await self.owner.fetch(f"SELECT {text} FROM projection.{table} AS t ORDER BY 1")]
            for table, text in texts.items()
        }

    async def forget(self) -> None:
        await self.owner.execute(f"TRUNCATE {', '.join(f'projection.{table}' for table in (*TABLES, 'offsets'))}")


@pytest.fixture
def tables(superuser: "asyncpg.Connection[asyncpg.Record]", projection_pool: Pool) -> Tables:
    return Tables(superuser, projection_pool)


async def _fold(store: Store, way: Partition, place: Position, events: Sequence[Event]) -> None:
    """Again where two that met at one job gave way to each other."""
    while True:
        try:
            await store.flush(read(arrived(event, way.partition, job_type=JOB_TYPE) for event in events), {way: place})
        except asyncpg.TransactionRollbackError:
            continue
        return


def _lives() -> list[list[Event]]:
    """Every way a job can end, with all kinds of columns filled, and jobs that are not over."""
    lives = []
    for _ in range(3):
        job, failed, stopped, running = (JobEvents() for _ in range(4))
        lives += [
            [*ordinary_life(job), job.expired()],
            [failed.submitted(reference='x, "y" \\N'), failed.started(), failed.progressed(9), failed.failed()],
            [
                stopped.submitted(),
                stopped.started(),
                stopped.stop_requested(5),
                stopped.cancelled(3, result=result_of(3)),
            ],
            [running.submitted(parameters={"": [None, 1e-7, 'ü"\\']}), running.started(), running.progressed(5)],
        ]
    return lives


async def test_few_rows_and_many_leave_the_same_bytes(tables: Tables) -> None:
    lives = _lives()
    dumps = []
    for few in FEW.values():
        store = tables.store(few)
        places = await store.claim(WAYS[:1])
        for step in range(9):
            await _fold(store, WAYS[0], places[WAYS[0]], [event for life in lives for event in life[step : step + 1]])
        dumps.append(await tables.dump())
        await tables.forget()

    assert dumps[0] == dumps[1]
    assert (len(dumps[0]["job_monitor"]), len(dumps[0]["job_history"])) == (9, 3)
    assert not tables.rejected


@pytest.mark.parametrize("few", FEW.values(), ids=FEW)
async def test_plain_progress_gives_what_folding_one_by_one_gives(tables: Tables, few: int) -> None:
    """Wherever the job is: in the monitor, in the history, nowhere yet, or somebody else's."""
    running, over, unknown, foreign, queued = (JobEvents() for _ in range(5))
    before = [running.submitted(), running.started(), *ordinary_life(over), foreign.submitted(), queued.submitted()]
    thief = JobEvents(job_id=foreign.job_id, account_id=9)
    jobs = [running, over, unknown, thief, queued]
    progress = [job.progressed(done) for job in jobs for done in (40, 95)]
    store = tables.store(few)
    place = (await store.claim(WAYS[:1]))[WAYS[0]]

    dumps = []
    for batches in ([progress], [[event] for event in progress], [[*progress, *reversed(progress)]]):
        await _fold(store, WAYS[0], place, before)
        tables.rejected.clear()
        for batch in batches:
            await _fold(store, WAYS[0], place, batch)
        dumps.append(await tables.dump())
        assert {letter.reason.split(",")[0] for letter in tables.rejected} == {"The event is of account 9"}
        await tables.owner.execute(f"TRUNCATE {', '.join(f'projection.{table}' for table in TABLES)}")

    assert dumps[0] == dumps[1] == dumps[2]
    assert (len(dumps[0]["job_monitor"]), len(dumps[0]["job_history"])) == (4, 1)


@pytest.mark.parametrize("few", FEW.values(), ids=FEW)
async def test_two_processes_and_a_zombie_that_meet_at_the_same_jobs_lose_nothing(tables: Tables, few: int) -> None:
    """A job's events come on different partitions, and one process does not know that it lost its own."""
    lives = [ordinary_life(JobEvents()) for _ in range(20)]
    stores = [tables.store(few) for _ in WAYS]
    zombie = (await stores[2].claim(WAYS[:1]))[WAYS[0]]
    places = await stores[0].claim(WAYS[:1]) | await stores[1].claim(WAYS[1:2])

    async def fold_half(number: int, step: int) -> None:
        half = [event for life in lives for event in life[step : step + 3][number::2]]
        await _fold(stores[number], WAYS[number], places[WAYS[number]], half)

    async def be_fenced(step: int) -> None:
        with pytest.raises(Fenced):
            await _fold(stores[2], WAYS[0], zombie, [event for life in lives for event in life[step + 1 : step + 4]])

    for step in range(0, 9, 3):
        await asyncio.gather(fold_half(0, step), fold_half(1, step), be_fenced(step))

    together = await tables.dump()
    await tables.forget()
    alone = tables.store()
    place = (await alone.claim(WAYS[:1]))[WAYS[0]]
    await _fold(alone, WAYS[0], place, [event for life in lives for event in life])
    in_one = await tables.dump()
    assert [together[table] for table in TABLES] == [in_one[table] for table in TABLES]
    assert len(in_one["job_history"]) == 20


async def test_a_crash_between_the_copy_and_the_commit_leaves_nothing(tables: Tables) -> None:
    """Everything is sent and merged when the connection breaks; the batch is then folded as if for the first time."""
    jobs = [JobEvents() for _ in range(50)]
    started = [event for job in jobs for event in (job.submitted(), job.started())]
    batch = [event for job in jobs for event in (job.progressed(10), job.progressed(20))]
    batch += [event for job in jobs[:10] for event in (job.completed(), job.downloaded())]
    broken: list[bool] = []

    class Breaking(Store):
        """Its server process is killed when all that is left to do is to tell others and commit."""

        async def _notify(self, connection: Any, changed: Any) -> None:
            if not broken:
                broken.append(True)
                pid = connection.get_server_pid()
                assert await connection.fetchval("SELECT count(*) FROM arrived_progress") == 80
                await tables.owner.execute("SELECT pg_terminate_backend($1)", pid)
            await super()._notify(connection, changed)

    store = Breaking(tables.pool, tables._keep, few=0)
    place = (await store.claim(WAYS[:1]))[WAYS[0]]
    await _fold(tables.store(), WAYS[0], place, started)
    before = await tables.dump()

    with pytest.raises((asyncpg.PostgresConnectionError, asyncpg.InterfaceError, asyncpg.OperatorInterventionError)):
        await _fold(store, WAYS[0], place, batch)
    assert await tables.dump() == before

    await _fold(store, WAYS[0], place, batch)
    after = await tables.dump()
    assert (len(after["job_monitor"]), len(after["job_history"])) == (40, 10)
    await tables.forget()
    place = (await store.claim(WAYS[:1]))[WAYS[0]]
    await _fold(store, WAYS[0], place, [*started, *batch])
    assert [(await tables.dump())[table] for table in TABLES] == [after[table] for table in TABLES]


async def test_who_waits_for_a_job_s_lock_folds_into_what_the_others_wrote(tables: Tables) -> None:
    """Two wait for the lock of a job without a row: the first gives it one, in the history, the second adds to that."""
    job = JobEvents()
    *life, last = [*ordinary_life(job), job.expired()]
    store = tables.store()
    places = await store.claim(WAYS)
    async with tables.pool.acquire() as other, other.transaction():
        await other.execute("INSERT INTO registry.job_numbers (job_id) VALUES ($1)", job.job_id)
        waiting = [
            asyncio.ensure_future(_fold(store, way, places[way], events))
            for way, events in zip(WAYS, (life, [last]), strict=False)
        ]
        await until(lambda: _waiting_for_locks(tables, 2))
    await asyncio.gather(*waiting)

    row = await tables.owner.fetchrow("SELECT sequence, reference, expired_at FROM projection.job_history")
    assert row is not None
    assert tuple(row) == (9, "Spring", last.time)
    assert await tables.owner.fetchval("SELECT count(*) FROM projection.job_monitor") == 0


async def _waiting_for_locks(tables: Tables, processes: int) -> bool:
    waiting = await tables.owner.fetchval("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
    return bool(waiting == processes)


async def test_any_order_through_small_and_large_batches_gives_the_same_bytes(tables: Tables) -> None:
    """Some jobs' rows by arrays, some copied, cut anywhere: the choice of the way depends on luck in production too."""
    randomness = random.Random(5)
    lives = _lives()
    events = [event for life in lives for event in life]
    place = (await tables.store().claim(WAYS[:1]))[WAYS[0]]
    await _fold(tables.store(), WAYS[0], place, events)
    plain = await tables.dump()

    for _ in range(10):
        await tables.owner.execute(f"TRUNCATE {', '.join(f'projection.{table}' for table in TABLES)}")
        tables.rejected.clear()
        rest = [*events, *randomness.sample(events, k=20)]
        randomness.shuffle(rest)
        rest.sort(key=lambda event: type(event.data).__name__ == "JobStopRequested")
        while rest:
            size = randomness.randint(1, 30)
            await _fold(tables.store(randomness.choice([0, 3, 500])), WAYS[0], place, rest[:size])
            rest = rest[size:]
        assert await tables.dump() == plain
        assert not tables.rejected
