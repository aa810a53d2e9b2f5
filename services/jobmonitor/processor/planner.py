"""The planner: a worker plans a few of the jobs it accepted itself, at once, without a round through Kafka.

So a job starts in milliseconds even where chunks of other jobs wait in line. A plan that is lost with its process is
dispatched again by the reconciler.
"""

from uuid import UUID

from jobmonitor.ledger.transaction import PLAN_CHUNK
from jobmonitor.processor.slots import Hint, Slots

PLANS_MAX = 3
"""At once. Beyond that the plans go to all workers, like any chunk."""

NO_ACCOUNT = 0
"""These plans take no turns: each finds a free slot."""


class Planner:
    """Runs plans in the slots for them."""

    def __init__(self, slots: Slots) -> None:
        self._slots = slots

    @property
    def free(self) -> int:
        """How many more plans may be begun here."""
        return self._slots.free

    def plan(self, job_id: UUID) -> None:
        self._slots.add(Hint(NO_ACCOUNT, job_id, PLAN_CHUNK))
