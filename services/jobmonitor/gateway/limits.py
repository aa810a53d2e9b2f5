"""Limits by user, account and address: how much of something is held at once, and how often something may be asked for.

They are this process's own; docs/limits.md lists them all. What they remember is bounded, too.
"""

import math
from collections import Counter, OrderedDict
from collections.abc import Hashable, Iterator
from contextlib import ExitStack, contextmanager

from jobmonitor.gateway import metrics
from jobmonitor.gateway.problems import Problem

REMEMBERED_AT_MOST = 10_000
"""Keys whose use is remembered; the longest unused is forgotten first."""


def too_many(limit: str, detail: str, *, code: str, retry_after_s: float) -> Problem:
    """429 with Retry-After, counted under the limit's name."""
    metrics.LIMITED.labels(limit).inc()
    return Problem(429, detail, code=code, headers={"retry-after": str(max(1, math.ceil(retry_after_s)))})


class Share:
    """How many of something each key may hold at once."""

    def __init__(self, limit: str, at_most: int) -> None:
        self.limit = limit
        self.at_most = at_most
        self._held: Counter[Hashable] = Counter()

    def is_full(self, key: Hashable) -> bool:
        return self._held[key] >= self.at_most

    @contextmanager
    def held(self, key: Hashable) -> Iterator[None]:
        """One more is held while the context lasts; who must not exceed the limit asks ``is_full`` first."""
        self._held[key] += 1
        try:
            yield
        finally:
            self._held[key] -= 1
            if not self._held[key]:
                del self._held[key]


@contextmanager
def shares(*held: tuple[Share, Hashable, Problem]) -> Iterator[None]:
    """One of each share while the context lasts. Raises the problem of the first that is full, and then holds none."""
    for share, key, problem in held:
        if share.is_full(key):
            metrics.LIMITED.labels(share.limit).inc()
            raise problem
    with ExitStack() as stack:
        for share, key, _ in held:
            stack.enter_context(share.held(key))
        yield


class Rate:
    """How often something may happen: ``burst`` times at once, and then so many times a minute (a token bucket)."""

    def __init__(self, *, per_minute: float, burst: int) -> None:
        self._interval_s = 60.0 / per_minute
        self._burst = burst
        self._free_at_s: OrderedDict[Hashable, float] = OrderedDict()
        """When the key's bucket is full again."""

    def wait_s(self, key: Hashable, now_s: float) -> float:
        """How long until the key may be used again; 0: now."""
        full_at_s = max(self._free_at_s.get(key, now_s), now_s)
        return max(0.0, full_at_s - now_s - (self._burst - 1) * self._interval_s)

    def use(self, key: Hashable, now_s: float) -> None:
        """Take one from the key's bucket."""
        self._free_at_s[key] = max(self._free_at_s.get(key, now_s), now_s) + self._interval_s
        self._free_at_s.move_to_end(key)
        if len(self._free_at_s) > REMEMBERED_AT_MOST:
            self._free_at_s.popitem(last=False)

    def give_back(self, key: Hashable) -> None:
        """What was taken was not used."""
        if key in self._free_at_s:
            self._free_at_s[key] -= self._interval_s
