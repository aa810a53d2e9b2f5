"""What holds for every job whatever is asked of it, in any order, any number of times."""

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from jobmonitor.contract.events import JobFact
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
    StartJob,
    StopJob,
)
from jobmonitor.job.decide import decide
from jobmonitor.job.evolve import evolve
from jobmonitor.job.state import Job, State
from support.given_when_then import ASKED, ASKED_FOR_LATER, DIAGRAM, NEW_JOB, NOW

TOTAL = 6

commands: st.SearchStrategy[Command] = st.one_of(
    st.sampled_from([AcceptJob(asked=ASKED, now=NOW), AcceptJob(asked=ASKED_FOR_LATER, now=NOW)]),
    st.just(QueueJob()),
    st.just(StartJob(total=TOTAL, unit="rows")),
    st.builds(RecordProgress, units=st.integers(0, 2)),
    st.builds(CompleteJob, rejected=st.integers(0, 1), outcomes=st.just({"done": TOTAL}), result=st.none()),
    st.just(FailJob(code="x", reason="y")),
    st.builds(NoteWaiting, waits_for=st.sampled_from([None, "the mail server", "another import"])),
    st.just(StopJob(requested_by=1, requested_at=NOW)),
    st.just(FinishStop(requested_by=1, requested_at=NOW)),
    st.just(RecordDownload(downloaded_by=1)),
    st.just(ExpireResult()),
)


def _live(asked: list[Command]) -> tuple[list[Job], list[JobFact]]:
    """The job after each command, and all the facts."""
    jobs, facts = [NEW_JOB], []
    for command in asked:
        job = jobs[-1]
        if isinstance(command, RecordProgress) and job.done + command.units > job.total:
            continue
        for fact in decide(command, job):
            facts.append(fact)
            job = evolve(job, fact)
        jobs.append(job)
    return jobs, facts


@given(st.lists(commands, max_size=25))
def test_a_life_is_a_path_in_the_state_diagram(asked: list[Command]) -> None:
    jobs, _ = _live(asked)
    for before, after in pairwise(jobs):
        assert after.state is before.state or after.state in DIAGRAM[before.state]


@given(st.lists(commands, max_size=25))
def test_progress_never_falls_and_stays_within_the_total(asked: list[Command]) -> None:
    jobs, _ = _live(asked)
    for before, after in pairwise(jobs):
        assert before.done <= after.done <= after.total


@given(st.lists(commands, max_size=25))
def test_sequences_count_up_by_one(asked: list[Command]) -> None:
    _, facts = _live(asked)
    assert [fact.sequence for fact in facts] == list(range(1, len(facts) + 1))


@given(st.lists(commands, max_size=25), st.data())
@settings(max_examples=200)
def test_duplicates_of_facts_change_nothing(asked: list[Command], data: st.DataObject) -> None:
    jobs, facts = _live(asked)
    repeated = NEW_JOB
    for place, fact in enumerate(facts):
        repeated = evolve(repeated, fact)
        if place:
            repeated = evolve(repeated, data.draw(st.sampled_from(facts[:place])))
    assert repeated == jobs[-1]


@given(st.lists(commands, max_size=25))
def test_a_command_repeated_at_once_makes_nothing_more(asked: list[Command]) -> None:
    jobs, _ = _live(asked)
    for command in asked:
        if isinstance(command, RecordProgress):
            continue
        job = jobs[-1]
        for fact in decide(command, job):
            job = evolve(job, fact)
        assert decide(command, job) == []


@given(st.lists(commands, max_size=25))
@settings(max_examples=500)
def test_only_a_job_that_is_to_go_on_waits_for_something(asked: list[Command]) -> None:
    jobs, _ = _live(asked)
    assert all(job.state in (State.QUEUED, State.RUNNING, State.STOPPING) for job in jobs if job.waits_for)
