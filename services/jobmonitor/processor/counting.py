"""Whether what a job type tells of a chunk's part can be true."""

from jobmonitor.job_types.protocol import Part


class BadPart(ValueError):
    """A part contradicts its chunk: a bug of the job type, which no other try would repair."""


def must_add_up(part: Part, *, units: int) -> None:
    """Raises BadPart unless the part tells what became of each of the chunk's units.

    And what any bug raises where it is no such part.
    """
    if not (isinstance(part.content, bytes) and all(name.isprintable() for name in part.outcomes)):
        raise BadPart("A part of the work tells its outcome in characters or bytes that cannot be stored.")
    told = sum(part.outcomes.values())
    if told != units or any(count < 0 for count in part.outcomes.values()):
        raise BadPart(f"A part of the work says what became of {told} of its {units} units.")
    if not 0 <= part.rejected <= units:
        raise BadPart(f"A part of the work says that {part.rejected} of its {units} units were refused.")
