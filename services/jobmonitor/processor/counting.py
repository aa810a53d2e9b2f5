"""What a job type's part means to the ledger."""

from jobmonitor.job_types.protocol import Part
from jobmonitor.ledger.chunk_flow import Finished


def finished(part: Part, *, units: int, part_key: str | None = None) -> Finished:
    """The part of a chunk of so many units, as the ledger counts it; ``part_key`` where it had to be stored."""
    return Finished(units=units, part_key=part_key, rows=part.rows, rejected=part.rejected, outcomes=part.outcomes)
