"""An account's share of the object store: how much its results take, and whether it may have more.

Results go by themselves when they expire; so nobody fills the store for others, and nothing is deleted for it.
"""

import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import NamedTuple

from jobmonitor.contract.limits import Refusal

REMEMBERED_S = 10.0
"""How long an answer of the database is cached: until then an account may exceed its share by what is under way."""
REMEMBERED_AT_MOST = 10_000
NEARLY_FULL = 0.8

Load = Callable[[Collection[int]], Awaitable[Mapping[int, int]]]
"""How many bytes of results each of these accounts keeps; accounts without any may be left out."""


class Kept(NamedTuple):
    """What the results of an account take, and what they may take."""

    size_bytes: int
    bytes_max: int

    def refusal(self) -> Refusal | None:
        """Why no further job begins; None where one may."""
        if self.size_bytes < self.bytes_max:
            return None
        return Refusal(
            "store_full",
            f"Your account keeps {_gigabytes(self.size_bytes)} of results, and {_gigabytes(self.bytes_max)} is the "
            "most. The oldest go when they expire; whoever runs Job Monitor can allow more.",
        )

    def warning(self) -> str | None:
        """A sentence for who starts jobs, before the share is used up; None where there is plenty left."""
        if self.size_bytes < NEARLY_FULL * self.bytes_max:
            return None
        return (
            f"Your account's results take {_gigabytes(self.size_bytes)} of the {_gigabytes(self.bytes_max)} it may "
            "keep. When they are used up no job begins until some expire."
        )


def _gigabytes(size_bytes: int) -> str:
    return f"{size_bytes / 1024**3:,.1f} GB"


class KeptResults:
    """Caches for a moment what the database said of each account."""

    def __init__(self, bytes_max: int) -> None:
        self._bytes_max = bytes_max
        self._known: OrderedDict[int, tuple[int, float]] = OrderedDict()
        """Bytes, and until when they are believed."""

    async def of(self, account_ids: Collection[int], load: Load) -> dict[int, Kept]:
        """Of each of these accounts."""
        now_s = time.monotonic()
        if asked := [each for each in account_ids if self._known.get(each, (0, now_s))[1] <= now_s]:
            loaded = await load(asked)
            for account_id in asked:
                self._known[account_id] = (loaded.get(account_id, 0), now_s + REMEMBERED_S)
                self._known.move_to_end(account_id)
        kept = {each: Kept(self._known[each][0], self._bytes_max) for each in account_ids}
        while len(self._known) > REMEMBERED_AT_MOST:
            self._known.popitem(last=False)
        return kept
