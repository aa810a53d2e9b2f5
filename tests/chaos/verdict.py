"""Whether everything held: what clients were told, compared with what is there. Pure."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from chaos.history import Told
from chaos.shapes import BY_NAME, OUTSIDE_PROBE, UNSERVED
from chaos.world import Reached, Recorded, Seen, World
from jobmonitor.contract.job_ids import job_id_for
from jobmonitor.job_types.registry import installed

ENDED = frozenset({"completed", "completed_with_errors", "failed", "cancelled"})
SHOWN_BREACHES = 20
LEAVING_EFFECTS = {job_type.slug for job_type in installed() if job_type.effects is not None}


@dataclass(frozen=True)
class Verdict:
    """What was found. ``breaches`` has a line for everything that did not hold."""

    lost: int
    """Accepted jobs that are not there, have no end, or miss work they say is done."""
    doubled: int
    """Jobs there twice, ended or started twice, with work done twice; and jobs nobody asked for."""
    breaches: tuple[str, ...]

    @property
    def held(self) -> bool:
        return not self.breaches


@dataclass(frozen=True)
class Breach:
    """One thing that did not hold."""

    kind: str
    """``lost``, ``doubled`` or ``wrong``."""
    job_id: UUID | None
    words: str


def judge(asked: Mapping[UUID, Told], world: World) -> Verdict:
    """Compare. The world has to be calm: whatever is still open counts as lost."""
    breaches = [*_strangers(asked, world), *_leftovers(world)]
    shown: dict[UUID, list[Seen]] = defaultdict(list)
    for seen in world.seen:
        shown[seen.job_id].append(seen)
    for told in asked.values():
        breaches += _of_job(told, shown[told.job_id], world)
        if [seen.state for seen in shown[told.job_id]] == ["completed"]:
            breaches += [
                breach for child in children_of(told) for breach in _of_child(told, child, shown[child], world)
            ]
    counts = Counter(breach.kind for breach in _once_a_job(breaches))
    return Verdict(counts["lost"], counts["doubled"], tuple(dict.fromkeys(map(_line, breaches))))


def _line(breach: Breach) -> str:
    return f"{breach.kind}: {breach.words}"


def _once_a_job(breaches: Iterable[Breach]) -> list[Breach]:
    """So that a figure counts jobs, not all that can be said about one."""
    return list({(breach.kind, breach.job_id or breach.words): breach for breach in breaches}.values())


def children_of(told: Told) -> list[UUID]:
    """The jobs that this one submits, one by one."""
    children = int(told.parameters.get("children", 0))
    places = (
        [(unit, number) for unit in range(int(told.parameters["units"])) for number in range(children)]
        if children
        else []
    )
    return [job_id_for(told.account_id, f"{told.job_id}:{unit}:{number}") for unit, number in places]


def _strangers(asked: Mapping[UUID, Told], world: World) -> Iterator[Breach]:
    children = {child for told in asked.values() for child in children_of(told)}
    found = {seen.job_id for seen in world.seen} | set(world.effects) | set(world.participations)
    for job_id in found - children:
        told = asked.get(job_id)
        if told is None:
            yield Breach("doubled", job_id, f"nobody asked for job {job_id}")
        elif told.submitted == "fail":
            yield Breach("doubled", job_id, f"job {job_id} ({told.shape}) was refused and is there all the same")


def _leftovers(world: World) -> Iterator[Breach]:
    if world.unsent:
        yield Breach("wrong", None, f"{world.unsent} messages were never sent")
    for reason in world.strange_letters:
        yield Breach("wrong", None, f"a message became a dead letter without being one: {reason}")


def _of_job(told: Told, shown: Sequence[Seen], world: World) -> Iterator[Breach]:
    name = f"job {told.job_id} ({told.shape})"
    if told.missed:
        yield Breach("wrong", told.job_id, f"{name} was accepted and then not found by its owner")
    if not shown:
        if told.submitted == "ok":
            yield Breach("lost", told.job_id, f"{name} was accepted and is not there")
        return
    if len(shown) > 1:
        yield Breach("doubled", told.job_id, f"{name} is in monitor and history")
    yield from _of_end(name, told, shown[0], world)
    if shown[0].state == "completed":
        yield from _of_calls(name, told, world)
    if told.job_type == OUTSIDE_PROBE:
        yield from _of_calls_once(name, told, shown[0], world)
    if told.job_type in LEAVING_EFFECTS:
        yield from _of_effects(name, shown[0], *world.effects.get(told.job_id, (0, 0)))
    if told.job_id in world.participations:
        yield from _of_effects(name, shown[0], *world.participations[told.job_id])


def _of_child(told: Told, child: UUID, shown: Sequence[Seen], world: World) -> Iterator[Breach]:
    """It is there once, and was done once."""
    name, (ends, starts) = f"child {child} of job {told.job_id} ({told.shape})", world.ends.get(child, (0, 0))
    if not shown or any(seen.state != "completed" for seen in shown):
        yield Breach("lost", child, f"{name} is not there, or not completed")
    if max(len(shown), ends, starts) > 1:
        yield Breach(
            "doubled", child, f"{name} is there {len(shown)} times, started {starts} times and ended {ends} times"
        )


def _of_calls(name: str, told: Told, world: World) -> Iterator[Breach]:
    """A call may reach the service again after a failure; none may be left out."""
    wanted = int(told.parameters.get("outside", 0)) * int(told.parameters.get("units", 0))
    reached = world.reached.get(told.job_id, Reached(0, 0)).different
    if reached < wanted:
        yield Breach("lost", told.job_id, f"{name} is complete and {reached} of its {wanted} calls reached the service")


def _of_calls_once(name: str, told: Told, seen: Seen, world: World) -> Iterator[Breach]:
    """No call may reach the service twice, and the job knows how many did, but for those in doubt."""
    reached = world.reached.get(told.job_id, Reached(0, 0))
    recorded = world.recorded.get(told.job_id, Recorded(0, 0))
    if again := reached.all - reached.different:
        yield Breach("doubled", told.job_id, f"{name} called the service twice for {again} of its units")
    there = f"and {reached.different} reached the service"
    if reached.different < recorded.reached:
        yield Breach("lost", told.job_id, f"{name} says {recorded.reached} calls are done {there}")
    if seen.state != "failed" and reached.different > sum(recorded):
        yield Breach("lost", told.job_id, f"{name} knows of {sum(recorded)} calls {there}")


def _of_end(name: str, told: Told, seen: Seen, world: World) -> Iterator[Breach]:
    shape = BY_NAME[told.shape]
    ends, starts = world.ends.get(seen.job_id, (0, 0))
    if shape is UNSERVED:
        if seen.state not in shape.ends or ends or starts:
            yield Breach("wrong", told.job_id, f"{name} is {seen.state} though nobody serves it")
        return
    if seen.state not in ENDED or ends == 0:
        yield Breach("lost", told.job_id, f"{name} has no end: it is {seen.state}, {seen.done} of {seen.total}")
        return
    if ends > 1 or starts > 1:
        yield Breach("doubled", told.job_id, f"{name} started {starts} times and ended {ends} times")
    if seen.state not in _possible_ends(told):
        yield Breach("wrong", told.job_id, f"{name} ended {seen.state} {seen.failure_code or ''}")
    if seen.state == "failed":
        yield from _of_failure(name, told, seen, world)
    if seen.state == "completed" and (seen.done != seen.total or _misses_file(told, seen)):
        yield Breach(
            "lost", told.job_id, f"{name} is complete with {seen.done} of {seen.total}, file {seen.has_result}"
        )
    if seen.state == "cancelled" and seen.started_at and _misses_file(told, seen):
        yield Breach("lost", told.job_id, f"{name} was stopped after {seen.done} of {seen.total} and has no file")
    if seen.run_at and seen.started_at and seen.started_at < seen.run_at:
        yield Breach("wrong", told.job_id, f"{name} started at {seen.started_at}, before its time {seen.run_at}")
    if shape.leaves_letter != (seen.job_id in world.dead_lettered):
        yield Breach("wrong", told.job_id, f"{name} {'has no' if shape.leaves_letter else 'has a'} dead letter")


def _possible_ends(told: Told) -> frozenset[str]:
    """A stop that its asker gave up on may have been heard or not."""
    shape = BY_NAME[told.shape]
    return shape.ends if told.stopped != "info" else shape.ends | {"completed", "cancelled"}


def _of_failure(name: str, told: Told, seen: Seen, world: World) -> Iterator[Breach]:
    wanted = BY_NAME[told.shape].failure_code
    if seen.failure_code != wanted or not seen.failure_reason:
        words = f"{name} failed with {seen.failure_code} ({seen.failure_reason}), not with {wanted}"
        yield Breach("wrong", told.job_id, words)


def _misses_file(told: Told, seen: Seen) -> bool:
    return not seen.has_result and (BY_NAME[told.shape].sample is not None or bool(told.parameters.get("file")))


def _of_effects(name: str, seen: Seen, rows: int, units: int) -> Iterator[Breach]:
    if rows > units:
        yield Breach("doubled", seen.job_id, f"{name} did {rows - units} of its {units} units again")
    if seen.ledger_done is None:
        yield Breach("lost", seen.job_id, f"{name} is shown and the ledger does not know it")
    if seen.done > units:
        yield Breach("lost", seen.job_id, f"{name} says {seen.done} units are done and {units} are")
    if max(seen.done, seen.ledger_done or 0) < units:
        yield Breach("doubled", seen.job_id, f"{name} says {seen.done} units are done and {units} are")
