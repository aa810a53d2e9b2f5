"""Hypothesis strategies for lives of jobs, only as ``decide`` allows them, and for the ways their events arrive."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from hypothesis import strategies as st

from jobmonitor.contract.envelope import Event, encode
from jobmonitor.contract.events import Asked, EventData, Fact, JobFact, JobStopRequested, JobSubmitted
from jobmonitor.job.commands import (
    AcceptJob,
    Command,
    CompleteJob,
    ExpireResult,
    FailJob,
    FinishStop,
    NoteWaiting,
    QueueJob,
    RecordDownload,
    RecordProgress,
    RejectRequest,
    StartJob,
    StopJob,
)
from jobmonitor.job.decide import decide
from jobmonitor.job.evolve import evolve
from jobmonitor.job.state import Job
from support.event_strategies import JSON_VALUES, TEXT
from support.job_events import NOON, result_of

TOTAL = 6
LATER = NOON + timedelta(days=1)
UNDECODABLE = (None, b"", b"\xff\x00", b"{}", b'{"specversion":"1.0","id":"x"', b'"\\u0000"')
MOST_FACTS = 9
PARENT = UUID(int=1)
MOST_COPIES = 5
PARTITIONS = 3


@dataclass(frozen=True)
class Sent:
    """A message and the partition a producer chose for it."""

    partition: int
    value: bytes | None


@dataclass(frozen=True)
class Delivery:
    """Everything that arrives, batch by batch; each batch is folded by one store or shared by two at once."""

    batches: list[list[Sent]]
    shared: list[bool]
    undecodable: int
    """How many of the messages are none of ours."""


@st.composite
def jobs(draw: st.DrawFn, job_type: str) -> list[list[Event]]:
    """The lives of a few jobs of a few accounts, each in its order."""
    ids = draw(st.lists(st.uuids(), min_size=1, max_size=4, unique=True))
    return [draw(lives(job_id, job_type)) for job_id in ids]


@st.composite
def lives(draw: st.DrawFn, job_id: UUID, job_type: str) -> list[Event]:
    """A submission, the facts of a legal life broken off anywhere, and wishes to stop at any time.

    The clocks of those who publish differ by seconds.
    """
    account_id, owner_id = draw(st.integers(1, 3)), draw(st.integers(1, 2))
    run_at = draw(st.none() | st.just(LATER))
    submitted = JobSubmitted(
        account_id=account_id,
        owner_id=owner_id,
        job_type=job_type,
        parameters=draw(st.dictionaries(TEXT, JSON_VALUES, max_size=2)),
        reference=draw(st.sampled_from([None, "", "Spring"])),
        run_at=run_at,
        parent_job_id=draw(st.none() | st.just(PARENT)),
    )
    asked = Asked(
        request_id=f"{job_id}/0",
        submitted_at=NOON,
        parameters=submitted.parameters,
        reference=submitted.reference,
        run_at=run_at,
        parent_job_id=submitted.parent_job_id,
    )
    job = Job(account_id=account_id, owner_id=owner_id, job_type=job_type)
    data: list[EventData] = [submitted, *draw(_facts(job, asked))]
    for by in draw(st.lists(st.integers(1, 3), max_size=2)):
        data.insert(draw(st.integers(1, len(data))), JobStopRequested(account_id=account_id, requested_by=by))
    return [_event(job_id, place, said, draw(st.integers(0, 3000))) for place, said in enumerate(data)]


def _event(job_id: UUID, place: int, data: EventData, late_ms: int) -> Event:
    event_id = f"{job_id}:{data.sequence}" if isinstance(data, Fact) else f"{job_id}/{place}"
    time = NOON + timedelta(milliseconds=400 * place + late_ms)
    return Event(id=event_id, source="/tests", job_id=job_id, time=time, data=data)


@st.composite
def _facts(draw: st.DrawFn, job: Job, asked: Asked) -> list[JobFact]:
    facts: list[JobFact] = []
    for _ in range(draw(st.integers(0, MOST_FACTS))):
        possible = [fact for command in _commands(job, asked) for fact in decide(command, job)]
        if not possible:
            break
        facts.append(draw(st.sampled_from(possible)))
        job = evolve(job, facts[-1])
    return facts


def _commands(job: Job, asked: Asked) -> list[Command]:
    """Everything that can be asked of the job now; ``decide`` says what comes of it."""
    tally: dict[str, Any] = {"outcomes": {"done": job.total}, "result": result_of(TOTAL)}
    steps = [RecordProgress(units=units) for units in (1, 3) if job.done + units <= job.total]
    return [
        *steps,
        AcceptJob(asked=asked, now=NOON),
        QueueJob(),
        StartJob(total=TOTAL, unit="rows"),
        CompleteJob(rejected=0, **tally),
        CompleteJob(rejected=min(1, job.total), **tally),
        FailJob(code="x", reason="y", asked=asked),
        NoteWaiting(waits_for="the mail server"),
        NoteWaiting(waits_for=None),
        RejectRequest(request="stop", request_id="x", requested_at=NOON, code="x", reason="y"),
        StopJob(requested_by=1, requested_at=NOON),
        FinishStop(requested_by=1, requested_at=NOON),
        FinishStop(requested_by=1, requested_at=NOON, result=result_of(job.done)),
        RecordDownload(downloaded_by=1),
        ExpireResult(),
    ]


def in_order(events: list[Event]) -> Delivery:
    """Every event once, in one batch: the plainest way."""
    return Delivery([[Sent(0, encode(event)) for event in events]], [False], 0)


@st.composite
def deliveries(draw: st.DrawFn, events: list[Event]) -> Delivery:
    """Every event one to five times in any order, some a day late, between messages nobody can read, in any batches."""
    copies = [event for event in events for _ in range(draw(st.integers(1, MOST_COPIES)))]
    broken = draw(st.lists(st.sampled_from(UNDECODABLE), max_size=4))
    values = [*(encode(event) for event in copies), *broken]
    arriving = [Sent(draw(st.integers(0, PARTITIONS - 1)), value) for value in draw(st.permutations(values))]
    late = draw(st.lists(st.booleans(), min_size=len(arriving), max_size=len(arriving)))
    in_time = [sent for sent, is_late in zip(arriving, late, strict=True) if not is_late]
    day_late = [sent for sent, is_late in zip(arriving, late, strict=True) if is_late]
    cuts = sorted(draw(st.sets(st.integers(1, max(1, len(in_time))), max_size=4)))
    batches = [in_time[start:end] for start, end in zip([0, *cuts], [*cuts, len(in_time)], strict=True)]
    batches = [batch for batch in [*batches, day_late] if batch]
    shared = [draw(st.booleans()) for _ in batches]
    return Delivery(batches, shared, len(broken))
