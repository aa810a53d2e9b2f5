"""Each invariant's function on small made-up snapshots: above all, what is no violation."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest

from jobmonitor.checker.check import judge
from jobmonitor.checker.client_history import Operation, read_history
from jobmonitor.checker.invariants import INVARIANTS
from jobmonitor.checker.job_log import LogFold
from jobmonitor.checker.lifecycle import CLOCKS_DIFFER, EDGES
from jobmonitor.checker.report import EXAMPLES_MAX, CouldNotLook, Evidence, Finding
from jobmonitor.checker.snapshot import Chunks, Effects, EffectsOfType, Snapshot, StoredRun
from jobmonitor.contract.envelope import Event, encode
from jobmonitor.contract.topics import topic_of
from jobmonitor.database.statement import Statement
from jobmonitor.job.state import ENDED, State
from jobmonitor.job_types.protocol import EffectsCount
from support.job_events import NOON, JobEvents
from support.projecting import Read

JOB_TYPE = "user-data-export"


@dataclass
class Scene:
    """A snapshot in the making."""

    events: list[Event] = field(default_factory=list)
    runs: list[StoredRun] = field(default_factory=list)
    chunks: dict[UUID, Chunks] = field(default_factory=dict)
    clients: list[Operation] = field(default_factory=list)
    dead_lettered: frozenset[UUID] = frozenset()
    log_begins: dict[tuple[str, int], int] = field(default_factory=dict)
    effects: dict[str, EffectsOfType] = field(default_factory=dict)

    def snapshot(self, *, calm: bool = False) -> Snapshot:
        fold = LogFold({})
        for offset, event in enumerate(self.events):
            fold.add(Read(topic_of(event.data, JOB_TYPE), 0, offset, None, encode(event)))
        snapshot = Snapshot(
            calm=calm,
            now=NOON,
            log_begins=self.log_begins,
            runs={run.job_id: run for run in self.runs},
            chunks=self.chunks,
            clients=self.clients,
            dead_lettered=self.dead_lettered,
            effects=self.effects,
        )
        snapshot.log = {job_id: job for job_id, job in fold.close().items() if not snapshot.is_cut(job)}
        return snapshot

    def finding(self, invariant: str, *, calm: bool = False) -> Finding:
        (found,) = [one for one in judge(self.snapshot(calm=calm)).findings if one.invariant == invariant]
        return found

    def is_red(self, invariant: str, *, calm: bool = False) -> bool:
        return self.finding(invariant, calm=calm).status == "violated"


def run_of(job: JobEvents, **says: Any) -> StoredRun:
    whole: dict[str, Any] = {
        "parameters": {"format": "user"}, "run_at": None, "state": "queued", "sequence": 1, "done": 0, "total": 0,
        "result": None, "downloaded": False, "expired": False, "chunks_total": 0, "chunks_done": 0, "outcomes": {},
        "rejected": 0, "rows": 0, "admitted": True, "created_at": datetime(2026, 1, 1, tzinfo=UTC),
    }  # fmt: skip
    who: dict[str, Any] = {
        "job_id": job.job_id,
        "account_id": job.account_id,
        "owner_id": job.owner_id,
        "job_type": job.job_type,
    }
    return StoredRun(**who, **(whole | says))


def test_there_is_a_finding_for_each_of_the_40_invariants_in_order() -> None:
    assert [invariant.name for invariant in INVARIANTS] == [f"I{n}" for n in range(1, 41)]
    assert all(bool(invariant.looks) != bool(invariant.why_not) for invariant in INVARIANTS)


def test_of_many_violations_a_few_are_told_and_all_are_counted() -> None:
    evidence = Evidence()
    for number in range(50):
        evidence.expect(False, f"job {number}", "a", "b")
    assert (evidence.violations, len(evidence.examples)) == (50, EXAMPLES_MAX)
    assert str(evidence.examples[0]) == "job 0: expected a, found b"


def test_every_state_has_edges_and_no_end_has() -> None:
    assert set(EDGES) == {None, *State} - ENDED


def test_i1_a_submission_may_be_on_its_way_and_is_lost_only_when_all_is_calm() -> None:
    scene = Scene(events=[JobEvents().submitted()])
    assert not scene.is_red("I1")
    assert scene.is_red("I1", calm=True)


def test_i1_a_job_that_runs_elsewhere_needs_no_run() -> None:
    job = JobEvents()
    assert not Scene(events=[job.submitted(), job.queued()]).is_red("I1", calm=True)


def test_i1_who_does_not_know_may_have_made_a_job_or_not() -> None:
    job = JobEvents()
    unknown = [Operation(operation="submit", job_id=job_id, outcome="info") for job_id in (job.job_id, uuid4())]
    assert not Scene(events=[job.submitted()], clients=unknown).is_red("I1")


def test_i2_a_refused_repeat_with_another_body_is_as_it_should_be() -> None:
    job_id = uuid4()
    clients = [
        Operation(operation="submit", job_id=job_id, outcome="ok", parameters={"a": 1}),
        Operation(operation="submit", job_id=job_id, outcome="fail", parameters={"a": 2}),
        Operation(operation="submit", job_id=job_id, outcome="ok", parameters={"a": 1.0}),
    ]
    assert Scene(clients=clients).finding("I2").looked_at == 2
    assert not Scene(clients=clients).is_red("I2")


def test_i6_a_scheduled_job_may_wait_for_its_time_and_one_past_it_may_not() -> None:
    job = JobEvents()
    for hours, lost in ((1, False), (-1, True)):
        run = run_of(job, state="scheduled", run_at=NOON + timedelta(hours=hours))
        assert Scene(runs=[run]).is_red("I6", calm=True) is lost


def test_i7_facts_later_than_the_ledgers_snapshot_may_overtake_each_other() -> None:
    job = JobEvents()
    events = [job.submitted(), job.queued(), job.started(), job.progressed(10)]
    scene = Scene(events=[event for event in events if event is not events[2]], runs=[run_of(job)])
    assert not scene.is_red("I7")
    assert scene.is_red("I7", calm=True)


def test_i9_clocks_of_two_processes_may_differ_a_little() -> None:
    for ahead, red in ((CLOCKS_DIFFER, False), (CLOCKS_DIFFER + timedelta(seconds=2), True)):
        job = JobEvents()
        queued = job.queued()
        job.began_at -= ahead
        assert Scene(events=[queued, job.started()]).is_red("I9") is red


def test_i10_the_marks_of_chunks_add_up_to_the_progress() -> None:
    job = JobEvents(total=4)
    events = [job.submitted(), job.queued(), job.started(), job.progressed(2)]
    run = run_of(job, state="running", sequence=3, done=2, total=4, chunks_total=2, chunks_done=1)
    for units_done, red in ((2, False), (4, True)):
        marks = Chunks(done=1, units_done=units_done, units=4, leased=1, last_dispatched_at=None)
        assert Scene(events=events, runs=[run], chunks={job.job_id: marks}).is_red("I10") is red


def test_i11_a_job_whose_chunk_was_given_up_has_failed() -> None:
    job = JobEvents()
    for state, red in (("failed", False), ("cancelled", False), ("completed", True)):
        scene = Scene(runs=[run_of(job, state=state)], dead_lettered=frozenset({job.job_id}))
        assert scene.is_red("I11") is red


def test_i19_a_wish_that_came_too_late_leaves_the_job_complete() -> None:
    job = JobEvents()
    events = [job.submitted(), job.queued(), job.started(), job.completed(), job.stop_requested()]
    asked = Operation(operation="stop", job_id=job.job_id, outcome="ok")
    assert not Scene(events=events, clients=[asked]).is_red("I19")


def test_i30_a_job_may_be_cancelled_before_its_time() -> None:
    job = JobEvents()
    run_at = NOON + timedelta(days=1)
    events = [job.submitted(run_at=run_at), job.scheduled(run_at), job.cancelled()]
    assert not Scene(events=events).is_red("I30")


def test_i32_a_running_job_needs_somebody_who_runs_it() -> None:
    job = JobEvents()
    run = run_of(job, state="running")
    for leased, red in ((1, False), (0, True)):
        chunks = Chunks(done=0, units_done=0, units=0, leased=leased, last_dispatched_at=None)
        assert Scene(runs=[run], chunks={job.job_id: chunks}).is_red("I32", calm=True) is red


def test_a_history_is_read_up_to_a_line_that_was_cut_off(tmp_path: Path) -> None:
    file, job_id = tmp_path / "clients.jsonl", uuid4()
    line = f'{{"operation":"submit","job_id":"{job_id}","outcome":"ok","answer":"202"}}\n'.encode()
    file.write_bytes(line + line[:20])
    assert read_history(file) == [Operation(operation="submit", job_id=job_id, outcome="ok")]
    file.write_bytes(b"{}\n" + line)
    with pytest.raises(CouldNotLook, match="Line 1 "):
        read_history(file)


REQUESTS_GONE = {(f"requests.{JOB_TYPE}", 2): 7}
FACTS_GONE = {(f"jobs.{JOB_TYPE}", 0): 7}


def test_a_request_that_may_have_been_deleted_is_not_missed() -> None:
    """Its job's facts repeat it; of a job without facts nothing is left."""
    job, accepted = JobEvents(), uuid4()
    clients = [
        Operation(operation="submit", job_id=accepted, outcome="ok", job_type=JOB_TYPE),
        Operation(operation="stop", job_id=job.job_id, outcome="ok"),
    ]
    scene = Scene(events=[job.queued()], runs=[run_of(job)], clients=clients, log_begins=REQUESTS_GONE)
    assert not scene.is_red("I1")
    assert not scene.is_red("I19")
    scene.log_begins = {("requests.other", 0): 7}
    assert scene.is_red("I1")
    assert scene.is_red("I19")


def test_i39_a_fact_that_was_deleted_is_a_violation_and_jobs_that_lack_their_first_are_left_alone() -> None:
    cut, whole = JobEvents(), JobEvents()
    gone = [cut.submitted(), cut.queued()]
    events = [cut.started(), cut.progressed(20), whole.submitted(), whole.queued(), whole.started()]
    scene = Scene(events=events, log_begins=FACTS_GONE)
    assert len(gone) == 2
    assert [one.invariant for one in judge(scene.snapshot()).findings if one.status == "violated"] == ["I39"]
    assert set(scene.snapshot().log) == {whole.job_id}
    scene.log_begins = {}
    assert scene.is_red("I5")
    assert not scene.is_red("I39")


def test_deleted_requests_are_no_violation_of_i39() -> None:
    assert not Scene(events=[JobEvents().queued()], log_begins=REQUESTS_GONE).is_red("I39")


class Switched(msgspec.Struct, rename="camel"):
    """Parameters of a job type whose jobs write only where they are told to, or unless they are told not to."""

    write_rows: bool = False
    keep_rows: bool = True


@pytest.mark.parametrize(
    ("switch", "parameters", "expected"),
    [
        ("writeRows", {}, False),
        ("writeRows", {"writeRows": True}, True),
        ("writeRows", {"writeRows": False}, False),
        ("keepRows", {}, True),
        ("keepRows", {"keepRows": False}, False),
        ("", {}, True),
    ],
)
@pytest.mark.parametrize("left", [True, False])
def test_i10_effects_are_expected_as_the_jobs_switch_says_and_its_default_where_it_is_left_out(
    switch: str, parameters: dict[str, bool], *, expected: bool, left: bool
) -> None:
    job = JobEvents()
    count = EffectsCount(statement=Statement("SELECT"), by_account=False, switch=switch)
    by_job = {job.job_id: Effects(outcomes={"done": 3})} if left else {}
    run = run_of(job, parameters=parameters, outcomes={"done": 3})
    scene = Scene(runs=[run], effects={job.job_type: EffectsOfType(count, Switched, by_job)})
    assert scene.is_red("I10") == (expected and not left)
