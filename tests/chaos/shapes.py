"""The shapes of the jobs a chaos run submits: what each asks for, and how it has to end whatever happens meanwhile."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

from jobmonitor.job_types.registry import offered, slugs
from support.samples import Sample, samples_of

PROBE, OUTSIDE_PROBE = "probe", "outside-probe"
SERVED = slugs(with_probe=True)
USERS_WEIGHT = 4
"""Of each type that users may start, over all its samples."""
FILE_ROWS = (10, 1600)
Parameters = Mapping[str, Any]
UNSTOPPED_UNITS = 100_000
"""So many that the job ends by its stop or not at all."""
UNSTOPPED_CALLS = 10_000
MORE_TRIES_THAN_ALLOWED = 99
TEXT_BYTES = 900_000
CALLS_A_UNIT = 2
UNKNOWN_PARAMETERS = 10_000


@dataclass(frozen=True, slots=True)
class Shape:
    """One kind of job."""

    name: str
    weight: float
    """How often it comes, beside the others."""
    parameters: Callable[[Random], Parameters]
    job_type: str = PROBE
    ends: frozenset[str] = frozenset({"completed"})
    """The states it may end in."""
    failure_code: str | None = None
    """What a failed one says."""
    leaves_letter: bool = False
    """Whether the message of the chunk nobody gets done is kept as a dead letter."""
    is_scheduled: bool = False
    stop_within_s: tuple[float, float] | None = None
    """After how long it is stopped."""
    users_only: bool = False
    """Whether it is asked for through the gateway only."""
    sample: Sample | None = None
    """What it asks for, where its type is one that users may start."""
    file_rows: tuple[int, int] | None = None
    """Of a file that is uploaded before: at least and at most so many."""
    producers_only: bool = False
    """Whether it is asked for through Kafka only: the gateway would refuse it."""
    long_s: Mapping[str, float] = field(default_factory=dict)
    """Parameters that say how long something takes, as in a long run; a short one scales them down."""
    is_honest_and_small: bool = False
    """Whether somebody sits and waits for it: the run tells how long they waited at most."""


def _units(least: int, most: int, **others: Any) -> Callable[[Random], Parameters]:
    return lambda random: {"units": random.randint(least, most), "file": random.random() < 0.3, **others}


def _calls(least: int, most: int) -> Callable[[Random], Parameters]:
    """Some are left for later a few times."""
    return lambda random: {
        "units": random.randint(least, most),
        "chunk_units": 5,
        "call_s": 0.1,
        "later_every": random.choice([0, 7]),
        "later_times": 2,
        "later_after_s": 2,
        "file": random.random() < 0.3,
    }


def _slow(random: Random) -> Parameters:
    return {"units": random.randint(3, 7), "chunk_s": round(random.uniform(0.3, 1.5), 2), "file": False}


def _endless(random: Random) -> Parameters:
    chunk_s, hears_stop = round(random.uniform(0.3, 1.0), 2), random.random() < 0.5
    return {"units": UNSTOPPED_UNITS, "chunk_s": chunk_s, "hears_stop": hears_stop, "file": True}


def _impossible(random: Random) -> Parameters:
    units = random.randint(2, 60)
    return {"units": units, "refuse_at": random.randrange(units), "file": False}


def _assembled(random: Random) -> Parameters:
    return {"units": random.randint(1, 20), "file": True, "assemble_bytes": random.randint(1_000_000, 20_000_000)}


def _of_users() -> Iterator[Shape]:
    """Those samples of the types that users may start which are meant for it."""
    for job_type in offered():
        samples = [sample for sample in samples_of(job_type) if sample.in_chaos]
        for sample in samples:
            yield Shape(
                f"{job_type.slug}: {sample.name}",
                USERS_WEIGHT / len(samples),
                lambda _, sample=sample: sample.parameters,  # type: ignore[misc]
                job_type=job_type.slug,
                users_only=True,
                sample=sample,
                file_rows=FILE_ROWS if sample.file and sample.file.row else None,
            )


STOPPED = frozenset({"cancelled"})
FAILED = frozenset({"failed"})

SHAPES: tuple[Shape, ...] = (
    Shape("no-op", 30, _units(0, 0), is_honest_and_small=True),
    Shape("one step", 20, _units(1, 20), is_honest_and_small=True),
    Shape("many chunks", 12, _units(60, 200, chunk_units=3)),
    Shape("slow chunks", 10, _slow),
    Shape("scheduled", 8, _units(0, 40), is_scheduled=True),
    Shape("stopped", 6, _endless, ends=STOPPED, stop_within_s=(0.0, 8.0)),
    # a stop that races with the end
    Shape("stopped late", 4, _slow, ends=STOPPED | {"completed"}, stop_within_s=(0.5, 4.0)),
    Shape(
        "scheduled, stopped",
        2,
        _units(0, 40),
        ends=STOPPED | {"completed"},
        is_scheduled=True,
        stop_within_s=(0.0, 9.0),
    ),
    Shape("impossible", 4, _impossible, ends=FAILED, failure_code="impossible"),
    Shape(
        "bad parameters",
        2,
        lambda _: {"units": "many"},
        ends=FAILED,
        failure_code="bad_parameters",
        producers_only=True,
    ),
    # more than comes in: its owner is told, and nobody else waits
    Shape(
        "too much text",
        0.1,
        lambda _: {"units": 0, "note": "x" * TEXT_BYTES},
        ends=FAILED,
        failure_code="text_too_long",
        producers_only=True,
    ),
    Shape(
        "too many names",
        0.1,
        lambda _: {"units": 0, **{f"unknown_{number}": number for number in range(UNKNOWN_PARAMETERS)}},
        ends=FAILED,
        failure_code="too_many_names",
        producers_only=True,
    ),
    Shape("service away twice", 2, _units(1, 3, away_attempts=2)),
    Shape(
        "service always away",
        1,
        _units(1, 2, away_attempts=MORE_TRIES_THAN_ALLOWED),
        ends=FAILED,
        failure_code="gave_up",
        leaves_letter=True,
    ),
    # longer than a lease, and than a connection may be silent
    Shape("slow assembly", 0.1, _assembled, long_s={"assemble_s": 90}),
    Shape("slow plan", 0.1, _units(20, 60, chunk_units=3), long_s={"plan_s": 60}),
    Shape("with children", 3, _units(2, 10, chunk_units=2, children=2)),
    Shape("calls outside", 3, _units(3, 10, outside=CALLS_A_UNIT)),
    Shape(
        "calls once",
        4,
        _calls(20, 60),
        job_type=OUTSIDE_PROBE,
        ends=frozenset({"completed", "completed_with_errors"}),
        producers_only=True,
    ),
    Shape(
        "calls once, stopped",
        2,
        _calls(UNSTOPPED_CALLS, UNSTOPPED_CALLS),
        job_type=OUTSIDE_PROBE,
        ends=STOPPED,
        stop_within_s=(0.0, 8.0),
        producers_only=True,
    ),
    *_of_users(),
)
POISON = Shape(
    "has a bug",
    0,
    _units(1, 1, bug_attempts=MORE_TRIES_THAN_ALLOWED),
    ends=FAILED,
    failure_code="gave_up",
    leaves_letter=True,
)
"""Each try of its chunk fails by a bug of its type, which nobody else notices."""
UNSERVED = Shape(
    "nobody serves",
    0,
    lambda _: {},
    job_type="nobody-serves",
    ends=frozenset({"queued"}),
    producers_only=True,
)
"""Of a type without workers: many come at once, wait, and hold up nobody; the check tells of them."""
RECOVERY = Shape("recovery", 0, lambda _: {"units": 0, "file": False})
"""The no-ops that measure how long a fault was felt."""

BY_NAME = {shape.name: shape for shape in (*SHAPES, POISON, UNSERVED, RECOVERY)}
