"""From the log to the views, on a real Kafka and a real PostgreSQL."""

import asyncio
import json
import random
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from jobmonitor.contract.envelope import Event, encode
from jobmonitor.contract.events import ChunkDispatched, JobSubmitted
from support.job_events import NOON, JobEvents, ordinary_life, says
from support.projecting import Views
from support.waiting import until


async def test_a_job_is_in_the_monitor_until_its_download_and_then_in_the_history(views: Views) -> None:
    job = views.job()
    *before, downloaded = ordinary_life(job)

    async with views.projecting():
        await views.publish(before)
        listed = await views.folded(job.job_id, sequence=7)
        await views.publish([downloaded])
        left = await views.folded(job.job_id, view="job_history")

    assert (listed["view"], listed["state"], listed["done"], listed["total"]) == ("job_monitor", "completed", 100, 100)
    assert (listed["reference"], json.loads(listed["parameters"])) == ("Spring", {"format": "user"})
    assert json.loads(listed["result"])["rows"] == 100
    assert listed["sort_at"] == listed["started_at"]
    assert left["number"] == listed["number"]
    assert left["downloaded_at"] == downloaded.time


async def test_a_submission_shows_at_once_with_its_number(views: Views) -> None:
    job = views.job()

    async with views.projecting():
        await views.publish([job.submitted()])
        row = await views.folded(job.job_id, view="job_monitor")

    assert (row["state"], row["sequence"]) == ("queued", 0)
    assert row["number"] > 0


async def test_doubled_shuffled_and_late_events_leave_the_same_views(views: Views) -> None:
    randomness = random.Random(7)
    events = [event for _ in range(20) for event in ordinary_life(views.job())[: randomness.randint(1, 9)]]
    async with views.projecting():
        await views.publish(events)
        await views.caught_up()
        in_order = await views.dump()
        await views.publish(randomness.sample([*events, *events], k=2 * len(events)))
        await views.caught_up()
        with_repeats = await views.dump()

    await views.forget()
    async with views.projecting():
        await views.publish(randomness.sample([*events, *events], k=2 * len(events)))
        await views.caught_up()
        shuffled = await views.dump()

    assert len(in_order["job_monitor"]) + len(in_order["job_history"]) == 20
    assert with_repeats == in_order
    assert shuffled == in_order


async def test_a_replay_of_the_log_gives_the_same_views_and_the_same_numbers(views: Views) -> None:
    randomness = random.Random(1)
    events = [event for _ in range(10) for event in ordinary_life(views.job())[: randomness.randint(1, 9)]]
    async with views.projecting():
        await views.publish(events)
        await views.caught_up()
    before = await views.dump()

    await views.forget()
    await views.fetch("UPDATE projection.offsets SET next_offset = 0")
    async with views.projecting():
        await views.caught_up()
        replayed = await views.dump()
        fresh = views.job()
        await views.publish([fresh.submitted()])
        row = await views.folded(fresh.job_id)

    assert len(before["job_monitor"]) + len(before["job_history"]) == 10
    assert replayed == before
    others = await views.fetch("SELECT number FROM registry.job_numbers WHERE job_id <> $1", fresh.job_id)
    assert len(others) == 10
    assert row["number"] > max(other["number"] for other in others)


async def test_the_timeline_holds_every_event_once_and_progress_once_a_second(views: Views) -> None:
    job = views.job()
    events = [job.submitted(), job.queued(), job.started()]
    events += [_at_the_same_second(job.progressed(done)) for done in (10, 20, 30)]
    events += [job.completed()]

    async with views.projecting():
        await views.publish([*events, *events])
        await views.caught_up()

    points = await views.fetch("SELECT * FROM projection.job_timeline WHERE job_id = $1 ORDER BY at", job.job_id)
    assert [point["type"] for point in points] == [
        "job_submitted",
        "job_queued",
        "job_started",
        "job_completed",
        "job_progressed",
    ]
    assert [(point["done"], point["total"]) for point in points if point["done"]] == [(30, job.total)]
    assert [point["data"] is None for point in points] == [False] * 4 + [True]
    assert {(point["account_id"], point["owner_id"]) for point in points} == {(1, 2)}


async def test_a_wait_shows_until_plain_progress_ends_it_and_makes_one_point_a_second(views: Views) -> None:
    job = views.job()
    begun = [job.submitted(), job.queued(), job.started()]
    waits = [_at_the_same_second(job.waiting(waits_for)) for waits_for in ("a", None, "the mail server")]
    rejected = says(job.rejected(), waits_for="the mail server")

    async with views.projecting():
        await views.publish([*begun, *reversed(waits), rejected])
        await views.caught_up()
        waiting = await views.fetch("SELECT waits_for FROM projection.job_monitor WHERE job_id = $1", job.job_id)
        await views.publish([job.progressed(10)])
        await views.caught_up()

    after = await views.fetch("SELECT waits_for, done FROM projection.job_monitor WHERE job_id = $1", job.job_id)
    points = await views.fetch(
        "SELECT data FROM projection.job_timeline WHERE job_id = $1 AND type = 'job_waiting'", job.job_id
    )
    assert [row["waits_for"] for row in waiting] == ["the mail server"]
    assert [(row["waits_for"], row["done"]) for row in after] == [(None, 10)]
    assert [json.loads(point["data"])["waits_for"] for point in points] == ["the mail server"]


def _at_the_same_second(event: Event) -> Event:
    return Event(id=event.id, source=event.source, job_id=event.job_id, time=NOON.replace(hour=13), data=event.data)


async def test_listeners_hear_which_jobs_changed(views: Views) -> None:
    jobs = [views.job() for _ in range(200)]
    stranger = views.job(account_id=7)
    heard: list[str] = []
    listener = await asyncpg.connect(views.owner_url)
    await listener.add_listener("jobs_changed", lambda *said: heard.append(str(said[3])))

    await views.publish(job.submitted() for job in [*jobs, stranger])
    async with views.projecting():

        async def all_heard() -> bool:
            return sum(len(json.loads(notice)["job_ids"]) for notice in heard) >= 201

        await until(all_heard)
    await listener.close()

    notices = [json.loads(notice) for notice in heard]
    assert all(set(notice) == {"account_id", "job_ids"} for notice in notices)
    assert all(len(notice["job_ids"]) <= 150 for notice in notices)
    told = {(notice["account_id"], job_id) for notice in notices for job_id in notice["job_ids"]}
    assert told == {(job.account_id, str(job.job_id)) for job in [*jobs, stranger]}


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (b'{"specversion":"1.0","id":"x"', "truncated"),
        (b"\xff\xfe\x00", "invalid"),
        (None, "tombstone"),
    ],
)
async def test_what_does_not_decode_is_kept_whole_and_the_stream_goes_on(
    views: Views, broken: bytes | None, reason: str
) -> None:
    before, after = views.job(), views.job()
    async with views.projecting():
        await views.publish([before.submitted()])
        await views.publish_raw([(str(after.job_id).encode(), broken)])
        await views.publish([after.submitted()])
        await views.folded(before.job_id)
        await views.folded(after.job_id)

    (letter,) = await views.dead_letters()
    assert (letter["key"], letter["value"]) == (str(after.job_id).encode(), broken)
    assert letter["headers"]["content-type"].startswith(b"application/cloudevents+json")
    assert letter["position"] == f"{views.topic}/{letter['partition']}/{letter['offset']}"
    assert (letter["process"], letter["topic"]) == ("projection", views.topic)
    assert reason in letter["reason"]


async def test_what_contradicts_its_job_is_kept_and_changes_nothing(views: Views) -> None:
    job = views.job()
    submitted, started = job.submitted(), job.started()
    thief = views.job(account_id=9, job_id=job.job_id)
    elsewhere = JobEvents(job_type="user-data-export")
    chunk = ChunkDispatched(account_id=1, job_type=views.job_type, chunk=0, kind="plan", attempt=1)
    async with views.projecting():
        await views.publish([submitted, thief.submitted(), thief.stop_requested(), views.job().stop_requested()])
        hint = Event(id="x", source="/tests", job_id=job.job_id, time=NOON, data=chunk)
        await views.publish_raw([(b"", encode(hint))], views.topic)
        await views.publish_raw([(b"", encode(elsewhere.submitted()))], views.requests)
        await views.publish([started])
        row = await views.folded(job.job_id, state="running")
        await views.caught_up()

    assert (row["account_id"], row["stop_requested_at"]) == (1, None)
    assert await views.row(elsewhere.job_id) is None
    assert await views.fetch("SELECT FROM projection.job_timeline WHERE account_id <> 1") == []
    reasons = sorted(letter["reason"] for letter in await views.dead_letters())
    assert [reason.split()[0:4] for reason in reasons] == [
        ["A", "ChunkDispatched", "of", "a"],
        ["A", "JobSubmitted", "of", "a"],
        ["The", "event", "is", "of"],
        ["The", "event", "is", "of"],
    ]


async def test_a_request_among_facts_and_a_fact_among_requests_are_kept_and_begin_no_job(views: Views) -> None:
    job = views.job()
    submitted, queued = encode(job.submitted()), encode(job.queued())
    async with views.projecting():
        await views.publish_raw([(b"", submitted)], views.topic)
        await views.publish_raw([(b"", queued)], views.requests)
        await views.caught_up()
    assert await views.row(job.job_id) is None
    assert await views.fetch("SELECT FROM registry.job_numbers") == []
    assert {letter["value"] for letter in await views.dead_letters()} == {submitted, queued}


async def test_a_broken_message_as_large_as_kafka_takes_does_not_stop_the_stream(views: Views) -> None:
    job = views.job()
    ours = encode(job.submitted()).replace(b"jobmonitor.job_submitted.v1", b"")
    ours = ours.replace(b'"type":""', b'"type":"%s"' % (b"x" * (1_048_300 - len(ours))))
    async with views.projecting():
        await views.publish_raw([(str(job.job_id).encode(), ours)])
        await views.publish([job.submitted()])
        await views.folded(job.job_id)

    (letter,) = await views.dead_letters()
    assert letter["position"] == f"{views.topic}/{letter['partition']}/{letter['offset']}"
    assert letter["reason"].startswith("Unknown event type 'xxx")
    assert "too large" in letter["omitted"]


async def test_strange_but_valid_events_can_be_stored(views: Views) -> None:
    """Nothing that decodes may stop the stream: the largest numbers, the first and last moments, deep parameters."""
    deep: Any = "bottom"
    for _ in range(30):
        deep = [deep]
    odd = JobSubmitted(
        account_id=2**63 - 1,
        owner_id=2**63 - 1,
        job_type=views.job_type,
        parameters={"": None, "deep": deep, "big": 1e300, "tiny": 1e-300, "text": "\ud7ff\uffff\U0010ffff\\u0000"},
        reference="x" * 160,
    )
    job_id = uuid4()
    first, last = NOON.replace(year=2000), NOON.replace(year=2099)
    moments = [first, last]
    events = [Event(id="i" * 200, source="s" * 200, job_id=job_id, time=time, data=odd) for time in moments]
    async with views.projecting():
        for event in events:
            await views.publish_raw([(b"", encode(event))])
        row = await views.folded(job_id, updated_at=last)

    assert row["submitted_at"] == first
    assert row["account_id"] == 2**63 - 1
    assert await views.dead_letters() == []


async def test_several_projections_share_the_work_and_one_takes_over_from_another(views: Views) -> None:
    jobs = [views.job() for _ in range(40)]
    lives = [ordinary_life(job) for job in jobs]
    async with views.projecting() as one:
        await until(lambda: _holds(one, 8))
        async with views.projecting() as other:
            await until(lambda: _holds(other, 4))
            await views.publish(event for life in lives for event in life[:5])
            await views.caught_up()
            assert one.flushed_at is not None
            assert other.flushed_at is not None
        await views.publish(event for life in lives for event in life[5:])
        await views.caught_up()

    rows = await views.fetch("SELECT state, sequence FROM projection.job_history")
    assert [tuple(row) for row in rows] == [("completed", 8)] * 40
    assert await views.fetch("SELECT FROM projection.job_monitor") == []


async def _holds(projector: Any, partitions: int) -> bool:
    await asyncio.sleep(0)
    return len(projector.positions) == partitions
