"""What a job type's part means to the ledger."""

from jobmonitor.job_types.protocol import Part
from jobmonitor.ledger.chunk_flow import Finished


class BadPart(ValueError):
    """A part contradicts its chunk: a bug of the job type, which no other try would mend."""


def finished(part: Part, *, units: int, part_key: str | None = None) -> Finished:
    """The part of a chunk of so many units, as the ledger counts it; ``part_key`` where it had to be stored.

    Raises BadPart.
    """
    told = sum(part.outcomes.values())
    if told != units or any(count < 0 for count in part.outcomes.values()):
        raise BadPart(f"A part of the work says what became of {told} of its {units} units.")
    if not 0 <= part.rejected <= units:
        raise BadPart(f"A part of the work says that {part.rejected} of its {units} units were refused.")
    return Finished(units=units, part_key=part_key, rows=part.rows, rejected=part.rejected, outcomes=part.outcomes)
