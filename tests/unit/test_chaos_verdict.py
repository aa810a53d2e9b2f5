"""The chaos verdict can fail: whatever is planted in a run where all held is found, and counted as what it is."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

import msgspec
import pytest

from chaos.history import Told
from chaos.report import small_waits_s
from chaos.run import unseen, violations
from chaos.shapes import BY_NAME, CALLS_A_UNIT, OUTSIDE_PROBE, PROBE
from chaos.verdict import LEAVING_EFFECTS, Verdict, children_of, judge
from chaos.world import Reached, Recorded, Seen, World
from jobmonitor.checker import Finding, Report, Violation

NOW = datetime(2026, 11, 24, tzinfo=UTC)
NAMESPACE = UUID(int=1)
STRANGER = UUID(int=7)
UNITS = 5
EXPORT, IMPORT = "user-data-export: everybody", "user-data-import: people who took part"


def told(shape: str, **values: Any) -> Told:
    about = BY_NAME[shape]
    more: dict[str, dict[str, Any]] = {
        "calls outside": {"outside": CALLS_A_UNIT},
        "stopped": {"file": True},
        "with children": {"children": 1},
    }
    parameters = {"units": UNITS} | more.get(shape, {})
    known = {"submitted": "ok", "parameters": parameters, "stopped": "ok" if about.stop_within_s else None}
    return Told(
        job_id=uuid5(NAMESPACE, shape),
        key=shape,
        shape=shape,
        account_id=1,
        owner_id=3,
        job_type=about.job_type,
        **{**known, **values},
    )


def seen(shape: str) -> Seen:
    about = BY_NAME[shape]
    state = min(about.ends)
    done = {"completed": UNITS, "cancelled": 2, "failed": 0, "queued": 0}[state]
    return Seen(
        job_id=uuid5(NAMESPACE, shape),
        state=state,
        done=done,
        total=UNITS,
        failure_code=about.failure_code,
        failure_reason="A reason." if about.failure_code else None,
        run_at=NOW if about.is_scheduled else None,
        started_at=NOW,
        completed_at=NOW,
        has_result=about.job_type not in (PROBE, OUTSIDE_PROBE) or shape == "stopped",
        ledger_done=done,
    )


JOBS = {shape: seen(shape) for shape in BY_NAME}
ASKED = {job.job_id: told(shape) for shape, job in JOBS.items()}
CHILDREN = {job_id: Seen(job_id=job_id) for each in ASKED.values() for job_id in children_of(each)}
CALM = World(
    seen=(*JOBS.values(), *CHILDREN.values()),
    ends={job.job_id: (0, 0) if job.state == "queued" else (1, 1) for job in (*JOBS.values(), *CHILDREN.values())},
    effects={
        job.job_id: (job.done, job.done) for shape, job in JOBS.items() if BY_NAME[shape].job_type in LEAVING_EFFECTS
    },
    dead_lettered=frozenset(job.job_id for shape, job in JOBS.items() if BY_NAME[shape].leaves_letter),
    strange_letters=(),
    unsent=0,
    reached={
        JOBS["calls outside"].job_id: Reached(UNITS * CALLS_A_UNIT, UNITS * CALLS_A_UNIT + 1),
        JOBS["calls once"].job_id: Reached(4, 4),
        JOBS["calls once, stopped"].job_id: Reached(2, 2),
    },
    recorded={JOBS["calls once"].job_id: Recorded(3, 2), JOBS["calls once, stopped"].job_id: Recorded(2, 0)},
)
SMALL, STOPPED, SCHEDULED, POISON = (JOBS[name].job_id for name in ("one step", "stopped", "scheduled", "has a bug"))
CHILD = next(iter(CHILDREN))
IMPOSSIBLE = JOBS["impossible"].job_id


def with_reached(shape: str, different: int, calls: int) -> World:
    """The calm world, but other calls of this job reached the service."""
    return replace(CALM, reached={**CALM.reached, JOBS[shape].job_id: Reached(different, calls)})


def changed(job_id: UUID, **values: Any) -> World:
    """The calm world, but this job shows something else."""
    rows = [msgspec.structs.replace(row, **values) if row.job_id == job_id else row for row in CALM.seen]
    return replace(CALM, seen=tuple(rows))


def figures(verdict: Verdict) -> tuple[int, int]:
    return verdict.lost, verdict.doubled


def test_where_all_is_as_told_it_held() -> None:
    assert judge(ASKED, CALM) == Verdict(0, 0, ())


PLANTED: dict[str, tuple[Callable[[], World], tuple[int, int], str]] = {
    "a deleted job": (
        lambda: replace(CALM, seen=tuple(row for row in CALM.seen if row.job_id != SMALL)),
        (1, 0),
        "was accepted and is not there",
    ),
    "a child that is not there": (
        lambda: replace(CALM, seen=tuple(row for row in CALM.seen if row.job_id != CHILD)),
        (1, 0),
        "is not there, or not completed",
    ),
    "a child that goes on": (lambda: changed(CHILD, state="running"), (1, 0), "is not there, or not completed"),
    "a child that was done twice": (
        lambda: replace(CALM, ends={**CALM.ends, CHILD: (2, 2)}),
        (0, 1),
        "started 2 times and ended 2 times",
    ),
    "a job without end": (lambda: changed(SMALL, state="running"), (1, 0), "has no end"),
    "an end that the timeline does not know": (
        lambda: replace(CALM, ends={**CALM.ends, SMALL: (0, 1)}),
        (1, 0),
        "has no end",
    ),
    "a unit done twice": (
        lambda: replace(CALM, effects={**CALM.effects, SMALL: (UNITS + 1, UNITS)}),
        (0, 1),
        "did 1 of its 5 units again",
    ),
    "a unit that was not done": (
        lambda: replace(CALM, effects={**CALM.effects, SMALL: (UNITS - 1, UNITS - 1)}),
        (1, 0),
        "says 5 units are done and 4 are",
    ),
    "a unit done that nobody counted": (
        lambda: replace(CALM, effects={**CALM.effects, STOPPED: (3, 3)}),
        (0, 1),
        "says 2 units are done and 3 are",
    ),
    "a job in both lists": (lambda: replace(CALM, seen=(*CALM.seen, JOBS["no-op"])), (0, 1), "monitor and history"),
    "two ends": (lambda: replace(CALM, ends={**CALM.ends, SMALL: (2, 1)}), (0, 1), "ended 2 times"),
    "two starts": (lambda: replace(CALM, ends={**CALM.ends, SCHEDULED: (1, 2)}), (0, 1), "started 2 times"),
    "a job nobody asked for": (
        lambda: replace(CALM, seen=(*CALM.seen, Seen(job_id=STRANGER))),
        (0, 1),
        "nobody asked for",
    ),
    "an import that wrote nobody's participation": (
        lambda: replace(CALM, participations={JOBS[IMPORT].job_id: (0, 0)}),
        (1, 0),
        "says 5 units are done and 0 are",
    ),
    "somebody who took part twice by one import": (
        lambda: replace(CALM, participations={JOBS[IMPORT].job_id: (UNITS + 1, UNITS)}),
        (0, 1),
        "did 1 of its 5 units again",
    ),
    "somebody who took part by an import whose file does not name them": (
        lambda: replace(CALM, participations={JOBS[IMPORT].job_id: (UNITS + 1, UNITS + 1)}),
        (0, 1),
        "says 5 units are done and 6 are",
    ),
    "participations of nobody's job": (
        lambda: replace(CALM, participations={STRANGER: (1, 1)}),
        (0, 1),
        "nobody asked for",
    ),
    "effects of nobody's job": (
        lambda: replace(CALM, effects={**CALM.effects, STRANGER: (1, 1)}),
        (0, 1),
        "nobody asked for",
    ),
    "a stopped job that completed": (lambda: changed(STOPPED, state="completed"), (1, 0), "ended completed"),
    "a stopped job without its file": (lambda: changed(STOPPED, has_result=False), (1, 0), "and has no file"),
    "a job that failed for no reason of its own": (
        lambda: changed(SMALL, state="failed", failure_code="gave_up", failure_reason="Tried."),
        (0, 0),
        "failed with gave_up",
    ),
    "a failure without a reason": (lambda: changed(IMPOSSIBLE, failure_reason=None), (0, 0), "failed with impossible"),
    "a start before its time": (
        lambda: changed(SCHEDULED, started_at=NOW - timedelta(seconds=1)),
        (0, 0),
        "before its time",
    ),
    "a poison message that was not kept": (
        lambda: replace(CALM, dead_lettered=frozenset()),
        (0, 0),
        "has no dead letter",
    ),
    "a good message among the dead letters": (
        lambda: replace(CALM, dead_lettered=CALM.dead_lettered | {SMALL}),
        (0, 0),
        "has a dead letter",
    ),
    "a dead letter of no job": (lambda: replace(CALM, strange_letters=("no JSON",)), (0, 0), "dead letter"),
    "a message never sent": (lambda: replace(CALM, unsent=1), (0, 0), "never sent"),
    "an export without its file": (lambda: changed(JOBS[EXPORT].job_id, has_result=False), (1, 0), "file False"),
    "a person imported twice": (
        lambda: replace(CALM, effects={**CALM.effects, JOBS[IMPORT].job_id: (UNITS + 1, UNITS)}),
        (0, 1),
        "did 1 of its 5 units again",
    ),
    "a call that never reached the service outside": (
        lambda: with_reached("calls outside", UNITS * CALLS_A_UNIT - 1, UNITS * CALLS_A_UNIT - 1),
        (1, 0),
        "9 of its 10 calls reached the service",
    ),
    "a call that reached the service twice": (
        lambda: with_reached("calls once", 4, 5),
        (0, 1),
        "called the service twice for 1 of its units",
    ),
    "a call that is recorded and never was": (
        lambda: with_reached("calls once", 2, 2),
        (1, 0),
        "says 3 calls are done and 2 reached the service",
    ),
    "a call of which its job knows nothing": (
        lambda: with_reached("calls once", 6, 6),
        (1, 0),
        "knows of 5 calls and 6 reached the service",
    ),
    "a call after the stop": (
        lambda: with_reached("calls once, stopped", 3, 3),
        (1, 0),
        "knows of 2 calls and 3 reached the service",
    ),
    "an end of a job nobody serves": (
        lambda: changed(JOBS["nobody serves"].job_id, state="failed"),
        (0, 0),
        "is failed though nobody serves it",
    ),
    "a job the ledger forgot": (lambda: changed(SMALL, ledger_done=None), (1, 0), "ledger does not know"),
}


@pytest.mark.parametrize("plant", PLANTED.values(), ids=PLANTED)
def test_what_is_planted_is_found(plant: tuple[Callable[[], World], tuple[int, int], str]) -> None:
    world, expected, words = plant
    verdict = judge(ASKED, world())
    assert not verdict.held
    assert any(words in breach for breach in verdict.breaches), verdict.breaches
    assert figures(verdict) == expected


def test_a_submission_nobody_answered_may_have_made_a_job_or_not() -> None:
    unsure = {**ASKED, SMALL: told("one step", submitted="info")}
    gone = replace(CALM, seen=tuple(row for row in CALM.seen if row.job_id != SMALL), effects={})
    assert judge(unsure, CALM).held
    assert not [words for words in judge(unsure, gone).breaches if str(SMALL) in words]


def test_a_refused_submission_makes_no_job() -> None:
    verdict = judge({**ASKED, SMALL: told("one step", submitted="fail")}, CALM)
    assert figures(verdict) == (0, 1)
    assert "refused and is there" in verdict.breaches[0]


def test_an_accepted_job_is_found_by_its_owner() -> None:
    verdict = judge({**ASKED, SMALL: told("one step", missed=True)}, CALM)
    assert "not found by its owner" in verdict.breaches[0]


def test_a_job_may_end_before_its_stop_is_heard_only_where_it_could() -> None:
    late = JOBS["stopped late"].job_id
    assert judge(ASKED, changed(late, state="completed", done=UNITS, ledger_done=UNITS)).doubled == 0
    assert "ended failed" in " ".join(judge(ASKED, changed(late, state="failed")).breaches)


def test_the_waits_told_are_those_of_honest_small_jobs() -> None:
    """From being accepted to the end; not those of jobs that are slow themselves, nor of jobs without an end."""
    asked = [told(shape, accepted_at=NOW - timedelta(seconds=3)) for shape in ("one step", "no-op", "slow assembly")]
    ended = [msgspec.structs.replace(JOBS["one step"], completed_at=NOW), JOBS["slow assembly"]]
    assert small_waits_s(asked, [*ended, msgspec.structs.replace(JOBS["no-op"], completed_at=None)]) == [3.0]


def finding(*job_ids: UUID, violations: int = 0) -> Finding:
    examples = tuple(Violation(about=f"job {job_id}, a type", expected="", found="") for job_id in job_ids)
    found = violations or len(job_ids)
    return Finding(invariant="I34", says="", status="violated" if found else "ok", violations=found, examples=examples)


def of(*findings: Finding) -> Report:
    return Report(calm=False, messages=0, jobs=0, findings=findings)


def test_the_check_has_to_tell_of_all_that_nobody_serves_and_of_nothing_else() -> None:
    assert unseen(of(finding(STRANGER)), {STRANGER}) == []
    assert "tells of 0 submissions nobody serves, there are 1" in unseen(of(finding()), {STRANGER})[0]
    assert unseen(of(finding()), {STRANGER}, {STRANGER}) == [], "it was never answered, and may not be there"
    assert unseen(of(finding()), {STRANGER}, {SMALL}) != []
    assert unseen(of(finding(SMALL)), {STRANGER}) != []


def test_jobs_nobody_serves_are_no_breach_of_another_invariant_and_any_other_job_is() -> None:
    assert violations(of(finding(STRANGER)), {STRANGER}) == []
    assert violations(of(finding(STRANGER, SMALL)), {STRANGER, UUID(int=8)}) != []
    assert violations(of(finding(STRANGER, violations=2)), {STRANGER}) != []
