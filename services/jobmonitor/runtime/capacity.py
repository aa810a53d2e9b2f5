"""What an operator changes about the capacities of job types: one setting, read here and nowhere else."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

NAMES = {
    "slots": "Chunks of the type that one process works on at once.",
    "tries": "How often a chunk is tried.",
    "partitions": "Of the type's topics of requests and facts; that of chunks has twice as many.",
    "chunks_in_flight": "Of one job at a time, over all workers.",
}
EVERY = "*"
MOST = 1_000
_ENTRY = re.compile(r"(?P<job_type>[a-z0-9-]+|\*)\.(?P<name>[a-z_]+)=(?P<number>\S+)")


class BadCapacity(Exception):
    """The setting cannot be read; the message says in one line which part, and what is wrong with it."""


@dataclass(frozen=True, slots=True)
class CapacityChanges:
    """Numbers by job type and name; those of ``*`` are for every type that has no number of its own."""

    of_types: Mapping[str, Mapping[str, int]]

    def of(self, job_type: str) -> dict[str, int]:
        """What is changed about this type."""
        return {**self.of_types.get(EVERY, {}), **self.of_types.get(job_type, {})}

    def named(self) -> set[str]:
        """The job types that are named."""
        return {*self.of_types} - {EVERY}


def read_changes(text: str) -> CapacityChanges:
    """Read ``email-campaign.slots=2,*.tries=3``. Raises BadCapacity."""
    of_types: dict[str, dict[str, int]] = {}
    for entry in (each.strip() for each in text.split(",") if each.strip()):
        found = _ENTRY.fullmatch(entry)
        if found is None:
            raise BadCapacity(f"{entry!r} is not written as type.name=number, for instance email-campaign.slots=2")
        job_type, name, number = found.groups()
        if name not in NAMES:
            raise BadCapacity(f"in {entry!r} there is no {name!r}; known are {', '.join(NAMES)}")
        if not (number.isascii() and number.isdigit() and 1 <= int(number) <= MOST):
            raise BadCapacity(f"in {entry!r} the number has to be a whole one from 1 to {MOST:,}")
        if name in of_types.setdefault(job_type, {}):
            raise BadCapacity(f"{job_type}.{name} is there twice")
        of_types[job_type][name] = int(number)
    return CapacityChanges(of_types)
