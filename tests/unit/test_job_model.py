"""A job's life beside what its owner is told of it, under any commands in any order, repeated and late."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from uuid import UUID

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from msgspec.structs import replace

from jobmonitor.contract.envelope import Event
from jobmonitor.contract.events import EventData, JobFact, JobProgressed, JobSubmitted
from jobmonitor.job.commands import (
    AcceptJob,
    Command,
    CompleteJob,
    ExpireResult,
    FailJob,
    FinishStop,
    QueueJob,
    RecordDownload,
    RecordProgress,
    StartJob,
    StopJob,
)
from jobmonitor.job.evolve import evolve
from jobmonitor.job.row import JobRow
from jobmonitor.job.state import Job, State, percent
from jobmonitor.projection.fold import fold, in_monitor
from support.given_when_then import ASKED, DIAGRAM, LATER, NEW_JOB, NOW, RESULT, when

AFTER = LATER + timedelta(days=1)
JOB_ID = UUID(int=1)
UNITS = st.integers(0, 7)


@dataclass
class Told:
    """What the owner is told, kept without a look at states or facts."""

    accepted: bool = False
    due: bool = False
    units: int | None = None
    """None until they are counted."""
    done: int = 0
    stopped: bool = False
    """A stop of the job was acknowledged."""
    end: State | None = None
    file: bool = False
    """There is something to fetch: a result, or a failed job's report."""
    fetched: bool = False
    purged: bool = False

    @property
    def at_work(self) -> bool:
        return self.units is not None and self.end is None

    @property
    def listed(self) -> bool:
        return self.end is None or (self.file and not self.fetched and not self.purged)

    @property
    def fetchable(self) -> bool:
        return self.file and not self.purged

    @property
    def percent(self) -> int:
        if self.end in (State.COMPLETED, State.COMPLETED_WITH_ERRORS):
            return 100
        return min(99, int(100 * self.done / self.units)) if self.units else 0


class LifeOfAJob(RuleBasedStateMachine):
    """Runs the ledger's job, the reader's row and what the owner is told side by side."""

    def __init__(self) -> None:
        super().__init__()
        self.told = Told()
        self.job = NEW_JOB
        self.lives = [NEW_JOB]
        """The job after each command."""
        self.facts: list[JobFact] = []
        self.has_left = False
        self.row: JobRow

    @initialize(for_later=st.booleans(), steps=st.integers(0, 4))
    def submit(self, for_later: bool, steps: int) -> None:
        """The row is there from the submission on. Some lives are watched from a later step, to see more of it."""
        self.run_at = LATER if for_later else None
        submitted = JobSubmitted(
            account_id=NEW_JOB.account_id,
            owner_id=NEW_JOB.owner_id,
            job_type=NEW_JOB.job_type,
            parameters={},
            run_at=self.run_at,
        )
        self.row = fold(None, _event(0, submitted))
        begin: list[Callable[[], None]] = [
            partial(self.accept, late=False),
            self.become_due,
            partial(self.start, units=7),
            self.stop,
        ]
        for step in begin[:steps]:
            step()

    @rule(late=st.booleans())
    def accept(self, late: bool) -> None:
        self.ask(AcceptJob(asked=replace(ASKED, run_at=self.run_at), now=AFTER if late else NOW))
        if not self.told.accepted and self.told.end is None:
            self.told.accepted, self.told.due = True, late or self.run_at is None

    @rule()
    def become_due(self) -> None:
        self.ask(QueueJob())
        self.told.due |= self.told.accepted

    @rule(units=UNITS)
    def start(self, units: int) -> None:
        self.ask(StartJob(total=units, unit="rows"))
        if self.told.due and self.told.units is None and self.told.end is None:
            self.told.units = units

    @rule(units=UNITS)
    def progress(self, units: int) -> None:
        told = self.told
        if told.units is not None and told.at_work and told.done + units > told.units:
            with pytest.raises(ValueError, match="do not fit"):
                self.ask(RecordProgress(units=units))
            return
        self.ask(RecordProgress(units=units))
        told.done += units if told.at_work else 0

    @rule(with_file=st.booleans(), with_errors=st.booleans())
    def complete(self, with_file: bool, with_errors: bool) -> None:
        units = self.told.units or 0
        rejected = min(units, int(with_errors))
        self.ask(CompleteJob(rejected=rejected, outcomes={"done": units}, result=RESULT if with_file else None))
        if self.told.at_work and not self.told.stopped:
            self.told.done = units
            self.end(State.COMPLETED_WITH_ERRORS if rejected else State.COMPLETED, file=with_file)

    @rule()
    def fail(self) -> None:
        self.ask(FailJob(code="gave_up", reason="It failed."))
        if self.told.end is None and not self.told.stopped:
            self.end(State.FAILED, file=True)

    @rule()
    def stop(self) -> None:
        self.ask(StopJob(requested_by=5, requested_at=NOW))
        if self.told.accepted and self.told.end is None:
            self.told.stopped = True
            if not self.told.at_work:
                self.end(State.CANCELLED, file=False)

    @rule(with_file=st.booleans())
    def finish_stop(self, with_file: bool) -> None:
        self.ask(FinishStop(requested_by=5, requested_at=NOW, result=RESULT if with_file else None))
        if self.told.stopped and self.told.end is None:
            self.end(State.CANCELLED, file=with_file)

    @rule()
    def download(self) -> None:
        self.ask(RecordDownload(downloaded_by=7))
        self.told.fetched |= self.told.file

    @rule()
    def expire(self) -> None:
        self.ask(ExpireResult())
        self.told.purged |= self.told.file

    @rule(place=st.integers(0, 10))
    def hear_again(self, place: int) -> None:
        """A fact the job has had comes once more, to the ledger's job and to the row."""
        for fact in self.facts[place : place + 1]:
            assert evolve(self.job, fact) == self.job
            assert fold(self.row, _event(fact.sequence, fact)) == self.row

    def ask(self, command: Command) -> None:
        for fact in when(self.job, command):
            self.facts.append(fact)
            self.job = evolve(self.job, fact)
            self.row = fold(self.row, _event(fact.sequence, fact))
        self.lives.append(self.job)

    def end(self, state: State, *, file: bool) -> None:
        self.told.end, self.told.file = state, file

    @invariant()
    def the_owner_is_told_what_is(self) -> None:
        row, told = self.row, self.told
        assert row.state == (told.end or row.state)
        assert (row.done, row.total) == (told.done, told.units or 0)
        assert percent(row.state, row.done, row.total) == told.percent
        assert (row.downloaded_at is not None, row.expired_at is not None) == (told.fetched, told.purged)
        stored = row.result is not None or row.state is State.FAILED
        assert (stored and row.expired_at is None) == told.fetchable

    @invariant()
    def the_ledger_and_the_row_agree(self) -> None:
        job, row = self.job, self.row
        assert job.state in (None, row.state)
        assert (job.sequence, job.done, job.total, job.result) == (row.sequence, row.done, row.total, row.result)

    @invariant()
    def the_states_are_a_path_in_the_diagram_with_one_end(self) -> None:
        """Invariants 5 and 6."""
        before, after = self._last_step()
        assert after.state is before.state or after.state in DIAGRAM[before.state]
        assert sum(job.ended and not was.ended for was, job in zip(self.lives, self.lives[1:], strict=False)) <= 1

    @invariant()
    def facts_are_numbered_without_a_gap(self) -> None:
        """Invariant 7."""
        assert [fact.sequence for fact in self.facts] == list(range(1, len(self.facts) + 1))

    @invariant()
    def everything_but_progress_is_told_once(self) -> None:
        told = [type(fact) for fact in self.facts if not isinstance(fact, JobProgressed)]
        assert len(told) == len(set(told))

    @invariant()
    def progress_stays_in_bounds(self) -> None:
        """Invariant 8."""
        before, after = self._last_step()
        assert 0 <= before.done <= after.done <= after.total
        if before.state in (State.RUNNING, State.STOPPING) or before.ended:
            assert after.total == before.total

    @invariant()
    def a_full_bar_is_a_completed_job(self) -> None:
        """Invariant 8."""
        if percent(self.row.state, self.row.done, self.row.total) == 100:
            assert self.told.end in (State.COMPLETED, State.COMPLETED_WITH_ERRORS)
            assert (self.row.result is not None) == self.told.file

    @invariant()
    def an_acknowledged_stop_can_only_end_in_cancelled(self) -> None:
        """Invariant 19."""
        if self.told.stopped:
            assert self.job.state in (State.STOPPING, State.CANCELLED)

    @invariant()
    def what_left_the_monitor_stays_away(self) -> None:
        """Invariants 21 and 22."""
        assert in_monitor(self.row) == self.told.listed
        assert not (self.has_left and in_monitor(self.row))
        self.has_left = not in_monitor(self.row)

    def _last_step(self) -> tuple[Job, Job]:
        before, after = [NEW_JOB, *self.lives][-2:]
        return before, after

    def teardown(self) -> None:
        """When things calm down every job comes to an end, and its owner is told which."""
        if len(self.lives) == 1:
            return
        self.accept(late=True)
        self.become_due()
        self.start(units=3)
        self.finish_stop(with_file=False)
        self.complete(with_file=True, with_errors=False)
        assert self.job.ended
        assert self.job.state is self.told.end


def _event(second: int, data: EventData) -> Event:
    """Facts keep their time when they come again."""
    return Event(id=str(second), source="/tests", job_id=JOB_ID, time=NOW + timedelta(seconds=second), data=data)


TestLifeOfAJob = LifeOfAJob.TestCase
TestLifeOfAJob.settings = settings(max_examples=200, stateful_step_count=40)
