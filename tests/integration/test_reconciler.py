"""The reconciler's rounds over a real ledger: what they count as mended, which operators are called for."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from uuid import UUID

from prometheus_client import REGISTRY

from jobmonitor.contract.events import ChunkDispatched, JobStopRequested
from jobmonitor.contract.topics import work_topic
from jobmonitor.local.kafka import KafkaServer
from jobmonitor.reconciler.loops import Loops
from jobmonitor.reconciler.repairs import Repairs
from jobmonitor.reconciler.retention import Retention
from jobmonitor.reconciler.settings import ReconcilerSettings
from jobmonitor.reconciler.tasks import tasks
from jobmonitor.reconciler.watching import Watching
from jobmonitor.runtime.objects import ObjectStore
from support.brokers import broker_at
from support.engine import Engine, read_events
from support.views import see
from support.waiting import until


def counted(what: str, duty: str) -> float:
    return REGISTRY.get_sample_value(f"jobmonitor_reconciler_{what}_total", {"duty": duty}) or 0.0


async def test_ordinary_work_is_tidied_and_only_a_loss_is_mended(engine: Engine) -> None:
    job_id = await engine.submit(units=4)
    await engine.run_to_end(job_id)
    await engine.owner.execute(
        "INSERT INTO ledger.outbox (topics, keys, values, types, send_after) "
        "VALUES ('{work.probe}', '{left}', '{x}', '{x}', now() - interval '1 hour')"
    )
    swept, sent = counted("tidied", "sweep_parts"), counted("mended", "send_leftover_messages")
    async with reconciling(engine) as loops:

        async def all_done() -> bool:
            return (counted("tidied", "sweep_parts"), counted("mended", "send_leftover_messages")) == (
                swept + 1,
                sent + 1,
            )

        await until(all_done)
        assert loops.check().ok
    assert counted("mended", "sweep_parts") == 0


@asynccontextmanager
async def reconciling(engine: Engine, objects: ObjectStore | None = None) -> AsyncIterator[Loops]:
    """A reconciler at work, in a hurry."""
    settings = ReconcilerSettings(
        database_url=engine.settings.database_url,
        object_store_url=engine.settings.object_store_url,
        with_probe=True,
        reconcile_every_s=0.01,
        outbox_after_s=60,
        unclaimed_after_s=0,
    )
    repairs = Repairs(engine.ledger, engine.producer, objects or engine.objects, settings)
    watching = Watching(engine.ledger, broker_at(engine.bootstrap))
    loops = Loops(tasks(repairs, Retention(engine.ledger, settings), watching, settings))
    going = asyncio.create_task(loops.go_on())
    try:
        yield loops
    finally:
        going.cancel()
        with suppress(asyncio.CancelledError):
            await going


class SlowStore(ObjectStore):
    """An object store that does not answer."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.asked = 0

    async def delete_under(self, folder: str) -> None:
        self.asked += 1
        await asyncio.Event().wait()


async def test_an_object_store_that_does_not_answer_holds_up_neither_leases_nor_stops_nor_due_jobs(
    engine: Engine,
) -> None:
    ended = await engine.submit(units=4)
    await engine.run_to_end(ended)
    objects = SlowStore(engine.settings.object_store_url)
    async with reconciling(engine, objects):
        await until(lambda: _true(objects.asked > 0))
        due = await engine.submit(units=2, run_at=datetime.now(UTC) + timedelta(hours=1))
        await engine.owner.execute("UPDATE ledger.runs SET run_at = now() WHERE job_id = $1", due)
        await until(lambda: _is_in_state(engine, due, "queued"))
        lost = await engine.submit(units=2, chunk_units=2)
        await engine.runner.run(lost, 0)
        assert await engine.ledger.claims.claim(lost, 1, job_type="probe", lease=timedelta(hours=1)) is not None
        await engine.end_leases(lost)
        await until(lambda: _is_handed_out(engine, lost, attempt=2))
        stopped = await engine.submit(units=2, chunk_units=2)
        await engine.runner.run(stopped, 0)
        assert await engine.ledger.claims.claim(stopped, 1, job_type="probe", lease=timedelta(hours=1)) is not None
        await engine.ledger.stop(
            stopped, JobStopRequested(account_id=1, requested_by=2), datetime.now(UTC), stoppable=True
        )
        await engine.end_leases(stopped)
        await until(lambda: _is_handed_out(engine, stopped, kind="assemble"))
        await engine.runner.run(stopped, 2)
        assert await _is_in_state(engine, stopped, "cancelled")
    assert objects.asked == 1


async def _true(answer: bool) -> bool:
    return answer


async def _is_in_state(engine: Engine, job_id: UUID, state: str) -> bool:
    return bool((await engine.run(job_id))["state"] == state)


async def _is_handed_out(engine: Engine, job_id: UUID, *, kind: str = "work", attempt: int = 1) -> bool:
    """Whether the workers were told of this attempt at a piece of the job's work of this kind."""
    events = await read_events(engine.bootstrap, work_topic("probe"))
    hints = [event.data for event in events if event.job_id == job_id and isinstance(event.data, ChunkDispatched)]
    return (kind, attempt) in [(hint.kind, hint.attempt) for hint in hints]


async def test_files_that_cannot_be_deleted_keep_no_others_from_being_deleted(engine: Engine) -> None:
    jobs = [await engine.submit(units=1) for _ in range(3)]
    for job_id in jobs:
        await engine.run_to_end(job_id)
    stuck = min(jobs)

    class Stuck(ObjectStore):
        async def delete_under(self, folder: str) -> None:
            if str(stuck) in folder:
                raise ConnectionError(folder)
            await super().delete_under(folder)

    async def others_are_swept() -> bool:
        left = await engine.owner.fetch("SELECT job_id FROM ledger.runs WHERE NOT swept")
        return [row["job_id"] for row in left] == [stuck]

    async with reconciling(engine, Stuck(engine.settings.object_store_url)):
        await until(others_are_swept)


async def test_the_least_job_id_there_is_is_swept_too(engine: Engine) -> None:
    """RFC 9562 calls it the nil UUID; producers that forget to set one send it."""
    job_id = await engine.submit(job_id=UUID(int=0), units=2)
    await engine.run_to_end(job_id)

    async def is_swept() -> bool:
        return bool((await engine.run(job_id))["swept"])

    async with reconciling(engine):
        await until(is_swept)


async def test_a_job_done_in_one_step_needs_no_sweep(engine: Engine) -> None:
    engine.probe.small = True
    job_id = await engine.submit(units=1)
    assert (await engine.run(job_id))["state"] == "completed"
    assert (await engine.run(job_id))["swept"]


def measured(metric: str, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(f"jobmonitor_reconciler_{metric}", labels)


async def test_operators_see_what_does_not_get_on(engine: Engine, kafka: KafkaServer) -> None:
    watching = Watching(engine.ledger, broker_at(kafka.bootstrap))
    await watching.outbox()
    assert (measured("outbox_refused_rows"), measured("outbox_oldest_seconds")) == (0, 0)
    await engine.owner.execute(
        "INSERT INTO ledger.outbox (topics, keys, values, types, created_at, refusal) "
        "VALUES ('{t}', '{x}', '{x}', '{x}', now() - interval '1 hour', 'too large')"
    )
    await watching.outbox()
    assert measured("outbox_refused_rows") == 1
    assert (measured("outbox_oldest_seconds") or 0) >= 3600


async def test_operators_see_a_type_nobody_serves(engine: Engine) -> None:
    watching = Watching(engine.ledger, broker_at(engine.bootstrap))
    await watching.unserved()
    assert measured("unserved_jobs", job_type="probe") == 0
    await see(engine, "probe", 3)
    [taken] = await see(engine, "probe", 1)
    await engine.submit(job_id=taken)
    await engine.owner.execute("UPDATE projection.job_monitor SET submitted_at = now() - interval '1 hour'")
    await watching.unserved()
    assert measured("unserved_jobs", job_type="probe") == 3
    assert (measured("unserved_oldest_seconds", job_type="probe") or 0) >= 3600
    assert measured("unserved_jobs", job_type="user-data-import") == 0


async def test_operators_see_an_account_that_waits_for_jobs_that_stand_still(engine: Engine) -> None:
    watching = Watching(engine.ledger, broker_at(engine.bootstrap))
    for _ in range(5):
        await engine.submit(units=1)
    await watching.accounts()
    assert (measured("standing_still_seconds", job_type="probe") or 0) < 1800
    await engine.owner.execute("UPDATE ledger.runs SET updated_at = now() - interval '1 hour'")
    await watching.accounts()
    assert (measured("standing_still_seconds", job_type="probe") or 0) >= 3600


async def test_operators_see_a_topic_that_differs(engine: Engine) -> None:
    """The broker of the tests has four partitions of everything."""
    await Watching(engine.ledger, broker_at(engine.bootstrap)).topics()
    assert measured("topic_differs", topic="work.probe", setting="partitions") == 1
    assert measured("topic_differs", topic="jobs.probe", setting="partitions") is None
