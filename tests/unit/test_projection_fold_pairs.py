"""Every state of a row with every type of event: what becomes of the state is decided here, pair by pair.

A row of the table is an event, a column the state it meets; ``none`` is a job of which nothing is known. ``.`` leaves
the state as it is, ``refused`` sends the message to the dead letters, everything else is the new state. The view may
meet any pair, because facts overtake each other: so a later state is never given back, and only another end and what
says too little are refused.
"""

from collections.abc import Callable
from datetime import timedelta
from itertools import product

import pytest

from jobmonitor.contract.envelope import Event
from jobmonitor.contract.events import EVENT_TYPES, ChunkDispatched, EventData
from jobmonitor.job.row import JobRow
from jobmonitor.job.state import State
from jobmonitor.projection.fold import Inapplicable, fold
from support.job_events import NOON, JobEvents

TABLE = """
                    none       scheduled  queued     running    stopping   completed  errors     failed     cancelled
submitted           queued     .          .          .          .          .          .          .          .
submitted_for_later scheduled  .          .          .          .          .          .          .          .
stop_requested      refused    .          .          .          .          .          .          .          .
scheduled           scheduled  .          .          .          .          .          .          .          .
queued              queued     queued     .          .          .          .          .          .          .
started             running    running    running    .          .          .          .          .          .
progressed          running    running    running    .          .          .          .          .          .
waiting             queued     queued     .          .          .          .          .          .          .
stopping            stopping   stopping   stopping   stopping   .          .          .          .          .
completed           completed  completed  completed  completed  completed  .          refused    refused    refused
errors              errors     errors     errors     errors     errors     refused    .          refused    refused
failed              failed     failed     failed     failed     failed     refused    refused    .          refused
cancelled           cancelled  cancelled  cancelled  cancelled  cancelled  refused    refused    refused    .
downloaded          running    running    running    .          .          .          .          .          .
expired             running    running    running    .          .          .          .          .          .
rejected            scheduled  .          .          .          .          .          .          .          .
chunk_dispatched    refused    refused    refused    refused    refused    refused    refused    refused    refused
"""

EVENTS: dict[str, Callable[[JobEvents], Event]] = {
    "submitted": lambda job: job.submitted(),
    "submitted_for_later": lambda job: job.submitted(run_at=NOON + timedelta(days=1)),
    "stop_requested": lambda job: job.stop_requested(),
    "scheduled": lambda job: job.scheduled(NOON + timedelta(days=1)),
    "queued": lambda job: job.queued(),
    "started": lambda job: job.started(),
    "progressed": lambda job: job.progressed(10),
    "waiting": lambda job: job.waiting(),
    "stopping": lambda job: job.stopping(),
    "completed": lambda job: job.completed(),
    "errors": lambda job: job.completed(rejected=1),
    "failed": lambda job: job.failed(),
    "cancelled": lambda job: job.cancelled(10),
    "downloaded": lambda job: job.downloaded(),
    "expired": lambda job: job.expired(),
    "rejected": lambda job: job.rejected(),
    "chunk_dispatched": lambda job: _event(
        job, ChunkDispatched(account_id=1, job_type=job.job_type, chunk=0, kind="plan", attempt=1)
    ),
}
"""One of each type; of the types that decide over more than one state, one for each."""

REACHED_BY = {
    State.SCHEDULED: "scheduled",
    State.QUEUED: "queued",
    State.RUNNING: "started",
    State.STOPPING: "stopping",
    State.COMPLETED: "completed",
    State.COMPLETED_WITH_ERRORS: "errors",
    State.FAILED: "failed",
    State.CANCELLED: "cancelled",
}
"""The fact that alone brings a row into each state, the row's submission being still on its way."""

STATES: tuple[State | None, ...] = (None, *State)
NAMES: dict[str, State | None] = {"none": None, "errors": State.COMPLETED_WITH_ERRORS}
"""What the table calls a state where it does not use the state's own name."""


def _event(job: JobEvents, data: EventData) -> Event:
    return Event(id="x", source="/tests", job_id=job.job_id, time=NOON, data=data)


def _decided() -> dict[tuple[str, State | None], str]:
    header, *lines = TABLE.strip().splitlines()
    states = [_state(name) for name in header.split()]
    return {
        (event, state): outcome
        for event, *outcomes in map(str.split, lines)
        for state, outcome in zip(states, outcomes, strict=True)
    }


def _state(name: str) -> State | None:
    return NAMES[name] if name in NAMES else State(name)


DECIDED = _decided()


def _row(job: JobEvents, state: State | None) -> JobRow | None:
    return None if state is None else fold(None, EVENTS[REACHED_BY[state]](job))


def test_no_pair_of_state_and_event_type_is_left_undecided() -> None:
    made = {name: type(make(JobEvents()).data) for name, make in EVENTS.items()}

    assert set(made.values()) == set(EVENT_TYPES.values())
    assert set(DECIDED) == set(product(EVENTS, STATES))


@pytest.mark.parametrize("state", STATES)
def test_each_row_is_in_the_state_its_column_names(state: State | None) -> None:
    row = _row(JobEvents(), state)

    assert (row and row.state) == state


@pytest.mark.parametrize(("event", "state"), DECIDED)
def test_what_an_event_makes_of_a_state(event: str, state: State | None) -> None:
    job = JobEvents()
    row, arriving = _row(job, state), EVENTS[event](job)
    outcome = DECIDED[event, state]

    if outcome == "refused":
        with pytest.raises(Inapplicable):
            fold(row, arriving)
    else:
        assert fold(row, arriving).state == (state if outcome == "." else _state(outcome))
