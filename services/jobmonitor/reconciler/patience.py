"""Patience: a request is published again at once when it is found untaken, then at doubling pauses.

While all workers of a type are down for an hour, a waiting request should cost a handful of messages, not one a second.
"""

from collections.abc import Iterable
from uuid import UUID

LONGEST_PAUSE_S = 300.0


class Patience:
    """Remembers, for what is waiting now, when to ask again. In memory only: a new process asks once more."""

    def __init__(self, first_pause_s: float) -> None:
        self._first_pause_s = first_pause_s
        self._next: dict[UUID, tuple[float, float]] = {}

    def due(self, waiting: Iterable[UUID], now_s: float) -> set[UUID]:
        """Those of the waiting to ask for now; what waits no longer is forgotten."""
        present = list(waiting)
        self._next = {job_id: self._next[job_id] for job_id in present if job_id in self._next}
        due = {job_id for job_id in present if now_s >= self._next.get(job_id, (now_s, 0.0))[0]}
        for job_id in due:
            pause_s = min(LONGEST_PAUSE_S, self._next.get(job_id, (0.0, self._first_pause_s / 2))[1] * 2)
            self._next[job_id] = (now_s + pause_s, pause_s)
        return due
