"""When a request that nobody accepted is published again: after a while, then after pauses that double.

While all workers of a type are down for an hour, a waiting request should cost a handful of messages, not one a second.
"""

from collections.abc import Iterable
from typing import NamedTuple
from uuid import UUID

from jobmonitor.runtime.backoff import Backoff

LONGEST_PAUSE_S = 300.0


class _Wait(NamedTuple):
    next_s: float
    """When to publish it again."""
    pauses: int
    """How many there were, the present one included."""
    round: int
    """The round over all of them in which it was last seen."""


class RequestBackoffs:
    """The backoff of each waiting request. In memory only: a new process begins anew.

    What waits is shown page by page; ``all_seen`` ends a round over all of it.
    """

    def __init__(self, first_pause_s: float) -> None:
        self._backoff = Backoff(first_pause_s, LONGEST_PAUSE_S)
        self._waits: dict[UUID, _Wait] = {}
        self._round = 0

    def __len__(self) -> int:
        return len(self._waits)

    def due(self, page: Iterable[UUID], now_s: float) -> list[UUID]:
        """Those of the page to publish again now, in its order."""
        due = []
        for job_id in page:
            known = self._waits.get(job_id)
            if known is not None and now_s < known.next_s:
                self._waits[job_id] = known._replace(round=self._round)
                continue
            if known is not None:
                due.append(job_id)
            pauses = known.pauses + 1 if known else 1
            self._waits[job_id] = _Wait(now_s + self._backoff.limit_s(pauses), pauses, self._round)
        return due

    def all_seen(self) -> None:
        """What was on no page since the last time waits no longer, and is forgotten."""
        self._waits = {job_id: wait for job_id, wait in self._waits.items() if wait.round == self._round}
        self._round += 1
