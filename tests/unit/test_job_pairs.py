"""Every state of a job with every command and with every fact: what comes of it is decided here, pair by pair.

In the tables a column is the state that is met; ``new`` is a job before its first fact, ``errors`` is completed with
errors. ``.`` is nothing.
"""

import re
from itertools import product
from pathlib import Path
from typing import get_args

import pytest

from jobmonitor.contract.events import (
    Fact,
    JobCancelled,
    JobCompleted,
    JobFact,
    JobFailed,
    JobProgressed,
    JobQueued,
    JobScheduled,
    JobStarted,
    JobStopping,
    JobWaiting,
    RequestRejected,
    ResultDownloaded,
    ResultExpired,
)
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
from jobmonitor.job.evolve import evolve
from jobmonitor.job.state import ENDED, Job, State
from support.given_when_then import (
    ASKED,
    ASKED_FOR_LATER,
    CANCELLED,
    COMPLETED,
    DIAGRAM,
    FAILED,
    LATER,
    NOW,
    QUEUED,
    RESULT,
    RUNNING,
    STOPPING,
    fact,
    given,
    scheduled,
    when,
)

DECIDED = """
                 new        scheduled  queued     running     stopping    completed   errors      failed      cancelled
accept           queued     .          .          .           .           .           .           .           .
accept_for_later scheduled  .          .          .           .           .           .           .           .
queue            .          queued     .          .           .           .           .           .           .
start            .          .          started    .           .           .           .           .           .
progress         .          .          .          progressed  progressed  .           .           .           .
progress_of_none .          .          .          .           .           .           .           .           .
wait             .          .          waiting    waiting     waiting     .           .           .           .
complete         .          .          .          completed   .           .           .           .           .
complete_errors  .          .          .          completed   .           .           .           .           .
fail             failed     failed     failed     failed      .           .           .           .           .
stop             .          cancelled  cancelled  stopping    .           .           .           .           .
finish_stop      .          .          .          .           cancelled   .           .           .           .
download         .          .          .          .           .           downloaded  downloaded  downloaded  .
expire           .          .          .          .           .           expired     expired     expired     .
reject           .          rejected   rejected   rejected    rejected    rejected    rejected    rejected    rejected
"""
"""The fact a command makes.

A new job can fail: its submission may be refused. A new job cannot be stopped: the request comes again until the job is
accepted. A stop that took effect wins over a completion and over a failure that come after it (invariant 19).
"""

RESULTS = """
                   D  DD  E  EE  DE  ED
completed          x  .   x  .   x   x
completed_bare     .  .   .  .   .   .
errors             x  .   x  .   x   x
failed             x  .   x  .   x   x
cancelled          .  .   .  .   .   .
cancelled_partial  x  .   x  .   x   x
"""
"""What an ended job makes of the last of these commands, D for download and E for expire: ``x`` is its fact.

Each happens once. A downloaded result still expires, and a transfer may end after the expiry. A failed job's report
needs no stored result; a job that stored none (``bare``, or cancelled without a partial result) has nothing to fetch.
"""

EVOLVED = """
                 new        scheduled  queued     running     stopping    completed   errors      failed      cancelled
scheduled        scheduled  scheduled  scheduled  scheduled   scheduled   .           .           .           .
queued           queued     queued     queued     queued      queued      .           .           .           .
started          running    running    running    running     running     .           .           .           .
progressed       .          .          .          .           .           .           .           .           .
waiting          .          .          .          .           .           .           .           .           .
stopping         stopping   stopping   stopping   stopping    stopping    .           .           .           .
completed        completed  completed  completed  completed   completed   .           .           .           .
errors           errors     errors     errors     errors      errors      .           .           .           .
failed           failed     failed     failed     failed      failed      .           .           .           .
cancelled        cancelled  cancelled  cancelled  cancelled   cancelled   .           .           .           .
downloaded       .          .          .          .           .           .           .           .           .
expired          .          .          .          .           .           .           .           .           .
rejected         .          .          .          .           .           .           .           .           .
"""
"""The state a newer fact puts a job in. It is believed: it happened. Only an end is never left (invariant 6)."""

TALLY = {"done": 10, "total": 10, "outcomes": {"exported": 10}}
BARE = (*RUNNING, fact(JobCompleted, 3, **TALLY, rejected=0))
ERRORS = (*RUNNING, fact(JobCompleted, 3, **TALLY, rejected=1, result=RESULT))
PARTIAL = (*STOPPING, fact(JobCancelled, 4, done=4, total=10, requested_by=5, requested_at=NOW, result=RESULT))

STATES: dict[str, Job] = {
    "new": given(),
    "scheduled": given(*scheduled(LATER)),
    "queued": given(*QUEUED),
    "running": given(*RUNNING),
    "stopping": given(*STOPPING),
    "completed": given(*COMPLETED),
    "errors": given(*ERRORS),
    "failed": given(*FAILED),
    "cancelled": given(*CANCELLED),
}
"""A job in each state."""

ENDS: dict[str, Job] = {
    **{name: job for name, job in STATES.items() if job.ended},
    "completed_bare": given(*BARE),
    "cancelled_partial": given(*PARTIAL),
}
"""A job in each end, with and without a stored result where the end allows both."""

COMMANDS: dict[str, Command] = {
    "accept": AcceptJob(asked=ASKED, now=NOW),
    "accept_for_later": AcceptJob(asked=ASKED_FOR_LATER, now=NOW),
    "queue": QueueJob(),
    "start": StartJob(total=10, unit="supporters"),
    "progress": RecordProgress(units=1),
    "progress_of_none": RecordProgress(units=0),
    "wait": NoteWaiting(waits_for="the mail server"),
    "complete": CompleteJob(rejected=0, outcomes={"exported": 10}, result=RESULT),
    "complete_errors": CompleteJob(rejected=1, outcomes={"exported": 9, "error": 1}, result=RESULT),
    "fail": FailJob(code="gave_up", reason="It failed."),
    "stop": StopJob(requested_by=5, requested_at=NOW),
    "finish_stop": FinishStop(requested_by=5, requested_at=NOW),
    "download": RecordDownload(downloaded_by=7),
    "expire": ExpireResult(),
    "reject": RejectRequest(
        request="stop", request_id="x", requested_at=NOW, code="not_stoppable", reason="It cannot be stopped."
    ),
}
"""One of each type; of those that decide over more than one fact or state, one for each."""

FACTS: dict[str, type[Fact]] = {
    "scheduled": JobScheduled,
    "queued": JobQueued,
    "started": JobStarted,
    "progressed": JobProgressed,
    "waiting": JobWaiting,
    "stopping": JobStopping,
    "completed": JobCompleted,
    "errors": JobCompleted,
    "failed": JobFailed,
    "cancelled": JobCancelled,
    "downloaded": ResultDownloaded,
    "expired": ResultExpired,
    "rejected": RequestRejected,
}
SAYS: dict[str, dict[str, object]] = {
    "scheduled": {"run_at": LATER},
    "started": {"total": 10, "unit": "supporters"},
    "progressed": {"done": 1, "total": 10},
    "waiting": {"waits_for": "the mail server"},
    "stopping": {"requested_by": 5, "requested_at": NOW},
    "completed": {**TALLY, "rejected": 0, "result": RESULT},
    "errors": {**TALLY, "rejected": 1, "result": RESULT},
    "failed": {"code": "gave_up", "reason": "It failed."},
    "cancelled": {"done": 1, "total": 10, "requested_by": 5, "requested_at": NOW},
    "downloaded": {"downloaded_by": 7},
    "rejected": {
        "request": "stop",
        "request_id": "x",
        "requested_at": NOW,
        "code": "not_stoppable",
        "reason": "It cannot be stopped.",
    },
}
"""What a fact of each name says besides whose job it is about."""


def read_table(table: str) -> dict[tuple[str, str], str]:
    """What stands where a row and a column meet."""
    header, *lines = table.strip().splitlines()
    return {
        (row, column): outcome
        for row, *outcomes in map(str.split, lines)
        for column, outcome in zip(header.split(), outcomes, strict=True)
    }


def a_fact(name: str, sequence: int) -> JobFact:
    made: JobFact = fact(FACTS[name], sequence, **SAYS.get(name, {}))
    return made


def test_no_state_is_missing() -> None:
    assert {job.state for job in ENDS.values()} == ENDED
    assert {name: job.state for name, job in STATES.items()} == {
        "new": None,
        "errors": State.COMPLETED_WITH_ERRORS,
        **{str(state): state for state in State if state is not State.COMPLETED_WITH_ERRORS},
    }


def test_no_command_is_missing_and_each_is_decided_in_every_state() -> None:
    assert {type(command) for command in COMMANDS.values()} == set(get_args(Command))
    assert set(read_table(DECIDED)) == set(product(COMMANDS, STATES))
    assert set(read_table(RESULTS)) == set(product(ENDS, ["D", "E", "DD", "DE", "ED", "EE"]))


def test_no_fact_is_missing_and_each_is_decided_in_every_state() -> None:
    assert set(FACTS.values()) == set(get_args(JobFact))
    assert set(read_table(EVOLVED)) == set(product(FACTS, STATES))


@pytest.mark.parametrize(("command", "state", "made"), [(*pair, made) for pair, made in read_table(DECIDED).items()])
def test_the_fact_a_command_makes_of_a_state(command: str, state: str, made: str) -> None:
    job = STATES[state]
    facts = when(job, COMMANDS[command])

    assert [(type(this), this.sequence) for this in facts] == ([] if made == "." else [(FACTS[made], job.sequence + 1)])


@pytest.mark.parametrize(("end", "asked", "made"), [(*pair, made) for pair, made in read_table(RESULTS).items()])
def test_what_happens_to_the_result_of_an_ended_job(end: str, asked: str, made: str) -> None:
    job, facts = ENDS[end], list[JobFact]()
    for letter in asked:
        facts = when(job, COMMANDS["download" if letter == "D" else "expire"])
        for this in facts:
            job = evolve(job, this)

    expected = ResultDownloaded if asked[-1] == "D" else ResultExpired
    assert [type(this) for this in facts] == ([expected] if made == "x" else [])


@pytest.mark.parametrize(("name", "state", "into"), [(*pair, into) for pair, into in read_table(EVOLVED).items()])
def test_the_state_a_newer_fact_puts_a_job_in(name: str, state: str, into: str) -> None:
    job = STATES[state]
    after = evolve(job, a_fact(name, job.sequence + 1))

    assert after.state is STATES[state if into == "." else into].state
    assert after.sequence == job.sequence + 1


@pytest.mark.parametrize(("name", "state"), list(product(FACTS, STATES)))
def test_an_older_or_equal_fact_changes_nothing_in_any_state(name: str, state: str) -> None:
    job = STATES[state]
    for sequence in range(job.sequence + 1):
        assert evolve(job, a_fact(name, sequence)) == job


def test_the_commands_allow_exactly_the_ways_of_the_state_diagram() -> None:
    ways = {state.state: set[State | None]() for state in STATES.values()}
    for job, command in product(STATES.values(), COMMANDS.values()):
        for this in when(job, command):
            ways[job.state] |= {evolve(job, this).state} - {job.state}

    assert ways == DIAGRAM
    assert {state for state, following in ways.items() if not following} == ENDED


def test_the_picture_of_the_states_shows_what_happens() -> None:
    """ARCHITECTURE.md draws every fact that leads from one state to another or leaves it as it is, and no other.

    RequestRejected, which stands in every state and changes none, is told beneath the picture.
    """
    happens = {
        (str(job.state or "[*]"), type(this).__name__, str(evolve(job, this).state))
        for job, command in product([*STATES.values(), *ENDS.values()], COMMANDS.values())
        for this in when(job, command)
        if not isinstance(this, RequestRejected)
    }
    text = (Path(__file__).parents[2] / "ARCHITECTURE.md").read_text(encoding="utf-8")

    assert _drawn(text.split("stateDiagram-v2\n")[1].split("```")[0]) == happens


def _drawn(picture: str) -> set[tuple[str, str, str]]:
    """Before, fact and after of each arrow: ``before --> after: Fact, OtherFact``."""
    arrows = set()
    for line in picture.strip().splitlines():
        before, after, facts = re.fullmatch(r"(\S+) --> (\S+): (.+)", line.strip()).groups()  # type: ignore[union-attr]
        arrows |= {(before, fact_name, after) for fact_name in facts.split(", ")}
    return arrows
