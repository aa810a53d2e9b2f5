"""Patience: when a request that nobody took up is published again: after a while, then at doubling pauses.

While all workers of a type are down for an hour, a waiting request should cost a handful of messages, not one a second.
"""

from collections.abc import Iterable
from typing import NamedTuple
from uuid import UUID

LONGEST_PAUSE_S = 300.0


class _Waits(NamedTuple):
    next_s: float
    """When to ask again."""
    pause_s: float
    """And how long to wait after that."""
    looked: int
    """The look at all of them in which it was last seen."""


class Patience:
    """Remembers when to ask again for what is waiting. In memory only: a new process begins anew.

    What waits is shown page by page; ``all_seen`` ends a look at all of it.
    """

    def __init__(self, first_pause_s: float) -> None:
        self._first_pause_s = first_pause_s
        self._waits: dict[UUID, _Waits] = {}
        self._look = 0

    def __len__(self) -> int:
        return len(self._waits)

    def due(self, page: Iterable[UUID], now_s: float) -> list[UUID]:
        """Those of the page to ask for now, in its order."""
        asked = []
        for job_id in page:
            known = self._waits.get(job_id)
            if known is None:
                self._waits[job_id] = _Waits(now_s + self._first_pause_s, 2 * self._first_pause_s, self._look)
            elif now_s < known.next_s:
                self._waits[job_id] = known._replace(looked=self._look)
            else:
                asked.append(job_id)
                pause_s = min(LONGEST_PAUSE_S, known.pause_s)
                self._waits[job_id] = _Waits(now_s + pause_s, 2 * pause_s, self._look)
        return asked

    def all_seen(self) -> None:
        """What was on no page since the last time waits no longer, and is forgotten."""
        self._waits = {job_id: waits for job_id, waits in self._waits.items() if waits.looked == self._look}
        self._look += 1
