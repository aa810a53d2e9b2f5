"""What a chaos run does and when: derived from the seed and the length alone, so that a failing seed replays."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Literal
from uuid import UUID

from chaos.shapes import POISON, SHAPES, UNSERVED, Parameters, Shape
from jobmonitor.contract.job_ids import job_id_for

Way = Literal["kafka", "gateway"]
What = Literal["kill", "stop", "shut down", "pause", "remove"]

INSTANCES = {
    "gateway": ("gateway",),
    "projection": ("projection", "projection-2"),
    "processor": ("processor", "processor-2", "processor-3"),
    "reconciler": ("reconciler", "reconciler-2"),
}
"""The services under test, and the processes of each."""
USERS_ACCOUNTS = (1, 2)
"""Of the demo data: there somebody can log in."""
PRODUCERS_ACCOUNTS = (1, 2, 11, 12, 13, 14)

ROUND_S = 60.0
"""In each round every service is killed once."""
ROUNDS_MIN = 2
QUIET_START_S = 5.0
LEASE_S = 10.0
BROKER_AWAY_S = 20.0
OUTSIDE_AWAY_S = 120.0
"""Of the service outside: longer than any number of quick tries would last."""
JOBS_A_SECOND = 1.2
BURST_EVERY_S = 45.0
BURST_JOBS = 15
UNSERVED_JOBS = 500
POISON_NEEDS_S = 100.0
"""Its tries have pauses between them, and its worker may be killed in each."""
AMBIGUOUS_SHARE = 0.05
"""Of the submissions so many are sent once and never again, whatever the answer."""
DOUBLED_SHARE = 0.1
"""So many are sent again although they were confirmed."""


@dataclass(frozen=True, slots=True)
class Job:
    """One job to submit."""

    at_s: float
    """Since the start of the run, as all times here."""
    number: int
    shape: Shape
    way: Way
    account_id: int
    parameters: Parameters
    run_in_s: float | None = None
    stop_in_s: float | None = None
    """After its submission was accepted."""
    file_rows: int = 0
    """Of the file to upload before; 0 for none."""
    tries: Literal["once", "until told", "once more"] = "until told"


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong."""

    at_s: float
    what: What
    target: str
    """The name of a child of the stack."""
    lasts_s: float = 0.0
    """After that it is undone."""

    @property
    def service(self) -> str:
        """What the target is an instance of."""
        return service_of(self.target)

    @property
    def ends_s(self) -> float:
        return self.at_s + self.lasts_s

    def __str__(self) -> str:
        lasting = f" for {self.lasts_s:.0f} s" if self.lasts_s else ""
        return f"{self.what} {self.target}{lasting}"


@dataclass(frozen=True, slots=True)
class Plan:
    """A whole run."""

    seed: int
    seconds: float
    jobs: tuple[Job, ...]
    faults: tuple[Fault, ...]

    def key(self, number: int | str) -> str:
        """The idempotency key of a job."""
        return f"chaos-{self.seed}-{number}"

    def job_id(self, job: Job) -> UUID:
        return job_id_for(job.account_id, self.key(job.number))

    def __str__(self) -> str:
        """The timeline, a line each."""
        events = [(job.at_s, f"submit {job.number} {job.shape.name} by {job.way}") for job in self.jobs]
        events += [(fault.at_s, str(fault)) for fault in self.faults]
        return "\n".join(f"{at_s:7.1f} s  {what}" for at_s, what in sorted(events))


def service_of(child: str) -> str:
    """``processor`` for ``processor-2``; a server is its own."""
    return next((service for service, names in INSTANCES.items() if child in names), child)


def make_plan(seed: int, seconds: float) -> Plan:
    """The plan of this seed. ``seconds`` is how long jobs are submitted and faults begin and end."""
    random = Random(seed)
    lasting = list(_lasting_faults(random, seconds))
    faults = sorted([*lasting, *_kills(random, seconds, lasting)], key=lambda fault: fault.at_s)
    jobs = tuple(_jobs(random, seconds))
    return Plan(seed=seed, seconds=seconds, jobs=jobs, faults=tuple(faults))


def _lasting_faults(random: Random, seconds: float) -> Iterator[Fault]:
    past_lease_s = LEASE_S + random.uniform(2, 6)
    for at_s in _spread(random, seconds, every_s=600, lasts_s=(away_s := min(BROKER_AWAY_S, seconds / 6))):
        yield Fault(at_s, "stop", "kafka", away_s)
    for at_s in _spread(random, seconds, every_s=600, lasts_s=(outside_s := min(OUTSIDE_AWAY_S, seconds / 4))):
        yield Fault(at_s, "stop", "outside", outside_s)
    for at_s in _spread(random, seconds, every_s=300):
        yield Fault(at_s, "shut down", "postgres")
    for at_s in _spread(random, seconds, every_s=180, lasts_s=past_lease_s):
        yield Fault(at_s, "pause", random.choice(INSTANCES["processor"][:-1]), past_lease_s)
    for at_s in _spread(random, seconds, every_s=180, lasts_s=(removed_s := min(15.0, seconds / 6))):
        yield Fault(at_s, "remove", INSTANCES["processor"][-1], removed_s)


def _spread(random: Random, seconds: float, *, every_s: float, lasts_s: float = 0.0) -> Iterator[float]:
    """One moment in each section of ``every_s``; at least one, and none so late that it would outlast the run."""
    sections = max(1, int(seconds // every_s))
    length_s = (seconds - QUIET_START_S) / sections
    for section in range(sections):
        yield QUIET_START_S + section * length_s + random.uniform(0, max(0.0, length_s - lasts_s))


def _kills(random: Random, seconds: float, lasting: Sequence[Fault]) -> Iterator[Fault]:
    """Each service once a round, at a moment of its own; of its processes one that is there to be killed."""
    rounds = max(ROUNDS_MIN, int(seconds // ROUND_S))
    length_s = (seconds - QUIET_START_S) / rounds
    for number in range(rounds):
        for names in INSTANCES.values():
            at_s = QUIET_START_S + (number + random.random()) * length_s
            away = {fault.target for fault in lasting if fault.at_s - 1 <= at_s <= fault.ends_s + 1}
            yield Fault(at_s, "kill", random.choice([name for name in names if name not in away]))


def scaled(long_s: Mapping[str, float], seconds: float) -> Parameters:
    """What takes long takes a sixth of a short run at most: still longer than a lease in one of 90 s."""
    return {name: min(whole_s, round(seconds / 6, 1)) for name, whole_s in long_s.items()}


def _jobs(random: Random, seconds: float) -> Iterator[Job]:
    arrivals = sorted(_arrivals(random, seconds), key=lambda arrival: arrival[0])
    for number, (at_s, shape) in enumerate(arrivals, start=1):
        yield _job(random, at_s, number, shape, seconds)


def _arrivals(random: Random, seconds: float) -> Iterator[tuple[float, Shape]]:
    """Each shape at least once; then as chance has it, steadily and in bursts; and a poison job every ten minutes.

    Early come many of a type nobody serves: the check, more than a minute later, is to tell of them.
    """
    weights = [shape.weight for shape in SHAPES]
    for shape in SHAPES:
        yield random.uniform(0, seconds / 2), shape
    for _ in range(int(seconds * JOBS_A_SECOND)):
        yield random.uniform(0, seconds), random.choices(SHAPES, weights)[0]
    for at_s in _spread(random, seconds, every_s=BURST_EVERY_S):
        for shape in random.choices(SHAPES, weights, k=BURST_JOBS):
            yield at_s + random.uniform(0, 0.2), shape
    for at_s in _spread(random, seconds, every_s=600, lasts_s=POISON_NEEDS_S):
        yield at_s, POISON
    at_s = QUIET_START_S + random.uniform(0, seconds / 10)
    for _ in range(min(UNSERVED_JOBS, int(seconds))):
        yield at_s, UNSERVED


def _job(random: Random, at_s: float, number: int, shape: Shape, seconds: float) -> Job:
    way: Way = "kafka" if random.random() < 0.6 else "gateway"
    way = "gateway" if shape.users_only else "kafka" if shape.producers_only else way
    chance = random.random()
    return Job(
        at_s=at_s,
        number=number,
        shape=shape,
        way=way,
        account_id=random.choice(USERS_ACCOUNTS if way == "gateway" else PRODUCERS_ACCOUNTS),
        parameters={**shape.parameters(random), **scaled(shape.long_s, seconds)},
        run_in_s=min(random.uniform(3, 20), max(1.0, seconds - at_s)) if shape.is_scheduled else None,
        file_rows=random.randint(*shape.file_rows) if shape.file_rows else 0,
        stop_in_s=random.uniform(*shape.stop_within_s) if shape.stop_within_s else None,
        tries="once" if chance < AMBIGUOUS_SHARE and shape.stop_within_s is None
        else "once more" if chance > 1 - DOUBLED_SHARE else "until told",
    )  # fmt: skip
