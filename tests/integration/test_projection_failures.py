"""The projection when things go away, come back, or are killed: nothing is lost or doubled, nobody restarts it."""

import asyncio
import signal
import socket
import subprocess
import sys
from typing import Any

import asyncpg
import httpx2
import pytest

from jobmonitor.contract.envelope import encode
from jobmonitor.contract.topics import requests_topic, view_topics
from jobmonitor.database.pool import open_pool
from jobmonitor.projection.batch import Rejected, read
from jobmonitor.projection.dead_letters import DeadLetterBox
from jobmonitor.projection.metrics import FAILURES
from jobmonitor.projection.projector import Projector
from jobmonitor.projection.readiness import Readiness
from jobmonitor.projection.store import Fenced, Partition, Position, Store
from support.engine import create_topics, read_records
from support.job_events import JobEvents, ordinary_life
from support.projecting import Read, Views, arrived, process_environment
from support.waiting import until


@pytest.fixture
def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def _all_in_history(views: Views, jobs: int) -> None:
    await views.caught_up()
    rows = await views.fetch("SELECT number, state, sequence, done FROM projection.job_history")
    assert [tuple(row)[1:] for row in rows] == [("completed", 8, 100)] * jobs
    assert len({row["number"] for row in rows}) == jobs
    assert await views.fetch("SELECT FROM projection.job_monitor") == []
    assert len(await views.fetch("SELECT FROM projection.job_timeline")) == 9 * jobs


@pytest.mark.parametrize("end", ["stop", "kill"])
async def test_postgres_gone_and_back(views: Views, postgres: Any, end: str) -> None:
    events = views.lives(30)
    async with views.projecting():
        await views.publish(events[:100])
        await views.caught_up()
        failures = _failures()
        await asyncio.to_thread(getattr(postgres, end))
        await views.publish(events[100:])
        await until(lambda: _failed_more_than(failures))
        await asyncio.to_thread(postgres.start)
        await _all_in_history(views, 30)


def _failures() -> float:
    samples = [sample for metric in FAILURES.collect() for sample in metric.samples]
    return sum(sample.value for sample in samples if sample.name.endswith("_total"))


async def _failed_more_than(failures: float) -> bool:
    return _failures() > failures


async def test_kafka_gone_and_back(views: Views, kafka: Any) -> None:
    events = views.lives(30)
    async with views.projecting() as projector:
        await views.publish(events[:100])
        await views.caught_up()
        await asyncio.to_thread(kafka.stop)
        await asyncio.to_thread(kafka.start)
        await views.publish(events[100:])
        await _all_in_history(views, 30)
        assert projector.joined


async def test_a_topic_that_does_not_exist_yet_keeps_nobody_waiting(views: Views) -> None:
    """As when a job type is new and its topics are not made: the others' jobs go on, and its own once they are."""
    late = views.job_type + "-late"
    both = views.with_settings(projection_topics=",".join([*views.settings.topics(), *view_topics(late)]))
    job, later = views.job(), JobEvents(job_type=late)
    async with both.projecting():
        await views.publish([job.submitted(), job.queued()])
        await views.folded(job.job_id, sequence=1)
        await create_topics(views.bootstrap, *view_topics(late))
        await views.publish_raw([(b"", encode(later.submitted()))], requests_topic(late))
        await both.folded(later.job_id, state="queued")
        started = job.started()
        await views.publish([started])
        await views.folded(job.job_id, state="running")


async def test_a_process_killed_in_the_middle_is_completed_by_the_next(views: Views) -> None:
    events = views.lives(400)
    small_batches = views.with_settings(projection_batch_events=20)
    await views.publish(events)
    first = small_batches.start_process()

    async def in_the_middle() -> bool:
        rows = await views.fetch("SELECT FROM projection.job_history")
        return len(rows) > 0

    await until(in_the_middle)
    first.kill()
    first.wait(10)
    assert len(await views.fetch("SELECT FROM projection.job_history")) < 400, (
        "it was too fast to be killed in the middle"
    )
    views.start_process()
    await _all_in_history(views, 400)


async def test_a_zombie_can_write_nothing(views: Views) -> None:
    job = views.job()
    job.submitted()
    await views.publish([job.queued(), job.started()])
    messages = await read_records(views.bootstrap, views.topic)
    partition = Partition(views.topic, messages[0].partition)
    pool = await open_pool(views.settings.database_url, size=2, application_name="test")
    kept: list[Any] = []

    async def keep(rejected: Any) -> None:
        kept.extend(rejected)

    store = Store(pool, keep)
    zombie = (await store.claim([partition]))[partition]
    successor = (await store.claim([partition]))[partition]

    with pytest.raises(Fenced):
        await store.flush(read(messages), {partition: Position(zombie.epoch, 2)})
    assert await views.row(job.job_id) is None
    assert await views.fetch("SELECT FROM registry.job_numbers") == []
    assert [tuple(row) for row in await views.fetch("SELECT next_offset FROM projection.offsets")] == [(0,)]

    await store.flush(read(messages), {partition: Position(successor.epoch, 2)})
    assert (await views.folded(job.job_id))["sequence"] == 2
    again = (await store.claim([partition]))[partition]
    assert (again.next_offset, again.epoch) == (2, successor.epoch + 1)
    await pool.close()


async def test_two_processes_that_meet_at_one_job_lose_nothing(views: Views) -> None:
    """Producers of different make put one key on different partitions: a job's events then come on two ways at once."""
    lives = [ordinary_life(views.job()) for _ in range(30)]
    pool = await open_pool(views.settings.database_url, size=2, application_name="test")

    async def keep(rejected: Any) -> None:
        assert not rejected

    store = Store(pool, keep)
    ways = [Partition(views.topic, number) for number in range(2)]
    places = await store.claim(ways)

    async def fold_half(way: Partition, step: int) -> None:
        half = [event for life in lives for event in life[step : step + 3][way.partition :: 2]]
        batch = read(arrived(event, way.partition, job_type=views.job_type) for event in half)
        while True:
            try:
                await store.flush(batch, {way: places[way]})
            except asyncpg.TransactionRollbackError:
                continue
            return

    for step in range(0, 9, 3):
        await asyncio.gather(*(fold_half(way, step) for way in ways))

    rows = await views.fetch("SELECT state, sequence, done, started_at IS NOT NULL FROM projection.job_history")
    assert [tuple(row) for row in rows] == [("completed", 8, 100, True)] * 30
    assert await views.fetch("SELECT FROM projection.job_monitor") == []
    await pool.close()


async def test_readiness_tells_what_is_away_and_recovers(views: Views, postgres: Any, kafka: Any) -> None:
    pool = await open_pool(views.settings.database_url, size=1, application_name="test")
    async with views.projecting() as projector:
        readiness = Readiness(views.settings, pool, projector)
        await views.publish(views.lives(1))

        async def ready() -> bool:
            return all(check.ok for check in (await readiness.checks()).values())

        await until(ready)
        await _all_in_history(views, 1)
        well = await readiness.checks()
        await asyncio.to_thread(postgres.stop)
        without_database = await readiness.checks()
        await asyncio.to_thread(postgres.start)
        await until(ready)
        await asyncio.to_thread(kafka.stop)
        without_kafka = await readiness.checks()
        await asyncio.to_thread(kafka.start)
        await until(ready, within_s=60)
    left = await readiness.checks()
    await pool.close()

    assert (well["kafka"].detail, well["lag"].detail.split()[0]) == ("follows 8 partitions", "0")
    assert not without_database["database"].ok
    assert not without_kafka["kafka"].ok
    assert left["kafka"].detail == "not in the consumer group"


async def test_too_many_messages_to_fold_is_not_ready(views: Views) -> None:
    behind = views.with_settings(projection_ready_lag_events=3)
    pool = await open_pool(views.settings.database_url, size=1, application_name="test")
    blocker = await asyncpg.connect(views.owner_url)
    async with behind.projecting() as projector:
        readiness = Readiness(behind.settings, pool, projector)
        await until(lambda: _holds_all(projector))
        async with blocker.transaction():
            await blocker.execute("LOCK TABLE projection.offsets")
            await views.publish(views.lives(1))
            waiting = await readiness.checks()
        await views.caught_up()
        folded = await readiness.checks()
    await blocker.close()
    await pool.close()

    assert (waiting["lag"].ok, waiting["lag"].detail.split()[0]) == (False, "9")
    assert folded["lag"].ok


async def _holds_all(projector: Projector) -> bool:
    return len(projector.positions) == 8


async def test_the_process_serves_its_state_and_stops_in_order(views: Views, free_port: int) -> None:
    process = views.with_settings(metrics_port=free_port).start_process()
    await views.publish(views.lives(3))
    await _all_in_history(views, 3)

    async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{free_port}") as client:

        async def ready() -> Any:
            answer = await client.get("/readyz")
            return answer.json() if answer.status_code == 200 else None

        state = await until(ready)
        metrics = (await client.get("/metrics")).text
    process.send_signal(signal.SIGTERM)

    assert await asyncio.to_thread(process.wait, 10) == 0
    assert set(state["checks"]) == {"database", "kafka", "lag", "flush"}
    assert 'jobmonitor_projection_events_total{outcome="folded"} 27.0' in metrics
    assert "jobmonitor_projection_flush_seconds_count" in metrics
    assert f'jobmonitor_projection_lag_events{{partition="0",topic="{views.topic}"}} 0.0' in metrics


async def test_a_bug_ends_the_process_with_status_1(views: Views) -> None:
    await views.fetch("ALTER TABLE projection.job_timeline RENAME COLUMN data TO body")
    process = views.start_process()
    await views.publish(views.lives(1))

    assert await asyncio.to_thread(process.wait, 20) == 1
    assert [row["next_offset"] for row in await views.fetch("SELECT next_offset FROM projection.offsets")] == [0] * 8


async def test_a_process_without_its_settings_says_so_and_leaves(views: Views) -> None:
    environment = {**process_environment(views.settings), "JOBMONITOR_DATABASE_URL": ""}
    command = [sys.executable, "-m", "jobmonitor.projection"]
    done = await asyncio.to_thread(
        subprocess.run, command, env=environment, capture_output=True, timeout=20, check=False
    )

    assert done.returncode == 2
    assert (
        done.stderr.decode().strip() == "JOBMONITOR_DATABASE_URL is not set. Set it in the environment of this process."
    )


async def test_a_dead_letter_is_kept_once_while_its_own_batch_is_tried_whatever_others_are_folded(views: Views) -> None:
    box = DeadLetterBox(views.producer)
    mine, other = (Rejected(Read(views.topic, number, 0, b"", b"{"), "No event.") for number in range(2))

    await box.keep([mine, other])
    box.forget([Partition(views.topic, 1)])
    await box.keep([mine])

    letters = await views.dead_letters()
    assert sorted(letter["partition"] for letter in letters) == ["0", "1"]
