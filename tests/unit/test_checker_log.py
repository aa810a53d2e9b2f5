"""The fold of the log: whatever is doubled or late, a job is told the same; what contradicts itself is noticed."""

from uuid import UUID

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from jobmonitor.checker.job_log import JobLog, LogFold, plain
from jobmonitor.contract.envelope import Event, encode
from jobmonitor.contract.topics import jobs_topic, topic_of, view_topics
from support.job_events import JobEvents, ordinary_life
from support.projecting import Read

JOB_TYPE = "user-data-export"
TOPIC = jobs_topic(JOB_TYPE)


def folded(events: list[Event], *, folded_to: int = 0, topic: str | None = None) -> dict[UUID, JobLog]:
    fold = LogFold({(each, 0): folded_to for each in view_topics(JOB_TYPE)})
    for offset, event in enumerate(events):
        fold.add(Read(topic or topic_of(event.data, JOB_TYPE), 0, offset, None, encode(event)))
    return fold.close()


@given(st.data())
def test_doubled_and_late_facts_change_nothing(data: st.DataObject) -> None:
    job = JobEvents()
    life = ordinary_life(job)
    arriving = data.draw(st.permutations(life + data.draw(st.lists(st.sampled_from(life)))))
    arrived, told = folded(arriving)[job.job_id], folded(life)[job.job_id]
    assert list(arrived.facts()) == list(told.facts())
    assert not arrived.conflicts
    assert not arrived.missing(arrived.last_sequence)
    assert arrived.job_at(3) == told.job_at(3)


def test_the_job_at_a_sequence_is_the_one_the_ledger_had_then() -> None:
    job = JobEvents()
    told = folded(ordinary_life(job))[job.job_id]
    assert (told.job_at(4).done, told.job_at(5).done, told.job_at(8).downloaded) == (30, 60, True)


def test_only_what_lies_before_the_stored_offset_is_in_the_views() -> None:
    job = JobEvents()
    life = ordinary_life(job)
    row = folded(life, folded_to=5)[job.job_id].row
    assert row is not None
    assert (row.state, row.sequence, row.done) == ("running", 4, 30)
    assert folded(life)[job.job_id].row is None


def test_a_missing_fact_and_two_with_one_number_are_noticed() -> None:
    job = JobEvents()
    life = ordinary_life(job)
    progress = life[4]
    other = msgspec.structs.replace(progress, data=msgspec.structs.replace(progress.data, done=31))
    told = folded([event for event in life if event is not life[3]] + [other])[job.job_id]
    assert told.missing(8) == [3]
    assert told.missing(2**31 - 1)[0] == 3, "told at once, however high a forged fact counts"
    assert told.conflicts == {4}


def test_a_message_on_a_foreign_topic_is_no_part_of_the_job() -> None:
    job = JobEvents()
    for topic in ("jobs.probe", "requests.probe"):
        assert folded([job.submitted(), job.queued()], topic=topic) == {}


def test_a_request_among_facts_and_a_fact_among_requests_are_no_part_of_the_job() -> None:
    job = JobEvents()
    assert folded([job.submitted()], topic="jobs.user-data-export") == {}
    assert folded([job.queued()], topic="requests.user-data-export") == {}


def test_bytes_nobody_can_read_are_counted_and_passed_over() -> None:
    fold = LogFold({})
    fold.add(Read(TOPIC, 0, 0, None, b"{}"))
    assert (fold.messages, fold.close()) == (1, {})


def test_numbers_are_the_same_after_the_database_kept_them() -> None:
    assert plain({"a": [3.0, 3.6e16, 0.5, True]}) == {"a": [3, 36_000_000_000_000_000, 0.5, True]}
    assert msgspec.json.encode(plain([3.0])) == b"[3]"
