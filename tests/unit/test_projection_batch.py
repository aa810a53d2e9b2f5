"""What of a batch is plain progress, of which only the newest goes on, and what has to be folded one by one."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from jobmonitor.contract.envelope import Event, decode, encode
from jobmonitor.projection.batch import Batch, read
from jobmonitor.projection.progress import decode_progress
from support.job_events import JobEvents
from support.projecting import Read

TOPIC = "jobs.user-data-export"


def batch_of(*events: Event, topic: str = TOPIC) -> Batch:
    return read(Read(topic, 0, place, b"", encode(event)) for place, event in enumerate(events))


def reasons(batch: Batch) -> list[str]:
    return [rejected.reason for rejected in batch.undecodable]


def told(batch: Batch) -> list[tuple[int, bool]]:
    """How far the points say the jobs are, and which of them is a job's newest."""
    return [(event.data.done, newest) for event, newest in batch.plain_points()]


def at(event: Event, seconds: float) -> Event:
    return msgspec.structs.replace(event, time=JobEvents().began_at + timedelta(seconds=seconds))


def test_of_the_progress_in_one_second_only_the_newest_is_kept(job: JobEvents) -> None:
    moments = (0, 0.5, 0.9, 1.1, 2, 2.9)

    batch = batch_of(*(at(job.progressed(10 * n), moment) for n, moment in enumerate(moments)))

    assert told(batch) == [(20, False), (30, False), (50, True)]
    assert (len(batch), batch.mixed) == (6, set())


def test_a_job_with_anything_else_is_folded_one_by_one_with_all_its_events_in_order(job: JobEvents) -> None:
    other = JobEvents()
    events = [job.progressed(10), other.progressed(1), job.completed(), job.progressed(20)]

    batch = batch_of(*events)

    assert told(batch) == [(1, True)]
    assert batch.mixed == {job.job_id}
    assert [event for _, event in batch.of_jobs(batch.mixed)] == [events[0], events[2], events[3]]


def test_progress_that_comes_late_doubled_or_says_less_is_not_plain(job: JobEvents) -> None:
    first, second = job.progressed(10), job.progressed(20)
    less, earlier = job.progressed(5), at(job.progressed(30), -60)

    for after in (first, second, less, earlier):
        assert batch_of(second, after).mixed == {job.job_id}


@pytest.mark.parametrize(
    "strange",
    [
        JobEvents(account_id=7).progressed(1),
        JobEvents(owner_id=7).progressed(1),
        JobEvents(total=3).progressed(4),
    ],
)
def test_progress_that_cannot_be_right_is_left_to_the_fold(strange: Event, job: JobEvents) -> None:
    mine = msgspec.structs.replace(strange, job_id=job.job_id)
    contradicting = msgspec.structs.replace(mine, data=msgspec.structs.replace(mine.data, sequence=9))

    assert batch_of(job.progressed(1), contradicting).mixed == {job.job_id}


def test_what_is_on_another_type_s_topic_begins_no_job(job: JobEvents) -> None:
    for event, topic, home in (
        (job.progressed(1), "jobs.other", "jobs.user-data-export"),
        (job.queued(), "jobs.other", "jobs.user-data-export"),
        (job.submitted(), "requests.other", "requests.user-data-export"),
    ):
        batch = batch_of(event, topic=topic)
        assert batch.job_ids() == set()
        assert home in reasons(batch)[0]


def test_a_fact_among_requests_and_a_request_among_facts_are_refused(job: JobEvents) -> None:
    for fact in (job.progressed(1), job.completed(), job.downloaded()):
        assert "belongs on jobs.user-data-export" in reasons(batch_of(fact, topic="requests.user-data-export"))[0]
    assert "belongs on requests.user-data-export" in reasons(batch_of(job.submitted()))[0]
    assert "topic of requests" in reasons(batch_of(job.stop_requested()))[0]


MESSAGE = encode(JobEvents().progressed(1))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"1.0"', b'"2.0"'),
        (b'"done":1', b'"done":-1'),
        (b'"account_id":1', b'"account_id":0'),
        (b'"sequence":1', b'"sequence":2147483648'),
        (b'"source":"/tests"', b'"source":""'),
        (b'"source":"/tests"', b'"source":"\\u0000"'),
        (b'"source":"/tests"', b'"source":"/te sts"'),
        (b'"source":"/tests"', b'"source":"/te\x7fsts"'),
        (b'"source":"/tests"', b'"source":"/te\x01sts"'),
        (b'"source":"/tests"', b'"source":"/' + b"x" * 256 + b'"'),
        (b'"id":"', b'"id":"\x7f'),
        (b'"id":"', b'"id":"\x1f'),
        (b'"id":"', b'"id":"' + b"x" * 256),
        (b'"application/json"', b'"text/json"'),
        (b'"type":"jobmonitor.job_progressed.v1"', b'"type":"jobmonitor.job_progressed.v9"'),
        (b'"total":100', b'"totals":100'),
        (b'"2026-11-23T12:00:00Z"', b'"2026-11-23T12:00:00"'),
        (b'"user-data-export"', b'"User Data Export"'),
    ],
)
def test_what_the_contract_refuses_is_refused(old: bytes, new: bytes) -> None:
    assert MESSAGE.count(old) == 1

    batch = read([Read(TOPIC, 0, 0, b"", MESSAGE.replace(old, new))])

    assert (len(batch.undecodable), len(batch), batch.job_ids(), batch.plain_points()) == (1, 1, set(), [])


@pytest.mark.parametrize("zone", ["Z", "+00:00"])
def test_what_is_decoded_in_one_step_says_the_same_as_the_contract(zone: str) -> None:
    message = MESSAGE.replace(b"12:00:00Z", f"12:00:00{zone}".encode())
    quick: Any = decode_progress(message)
    slow: Any = decode(message)

    assert msgspec.json.encode(quick.data) == msgspec.json.encode(slow.data)
    assert [getattr(quick, name) for name in ("id", "job_id", "time")] == [slow.id, slow.job_id, slow.time]
