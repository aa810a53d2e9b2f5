"""How long to wait after failures in a row. Pure but for chance."""

import random
from typing import NamedTuple


class Backoff(NamedTuple):
    """Pauses that double with each failure in a row, up to a limit."""

    first_s: float = 0.5
    most_s: float = 30.0

    def limit_s(self, failures: int) -> float:
        """The longest pause after so many failures, 1 at least."""
        return min(self.most_s, self.first_s * 2.0 ** min(failures - 1, 30))

    def pause_s(self, failures: int) -> float:
        """The limit with full jitter, a tenth of it at least.

        Full jitter (any time between 0 and the limit) spreads those who failed together best: "Exponential Backoff And
        Jitter", AWS Architecture Blog, 2015.
        """
        limit_s = self.limit_s(failures)
        return random.uniform(limit_s / 10, limit_s)  # noqa: S311 - spreads load, protects no secret
