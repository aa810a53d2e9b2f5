"""What the job types of one process share: each type has a slot of its own, and they take turns for the others.

So however many long chunks one type has, each other type goes on. A slot for work or for a plan stands for a connection
to the database, which is held all the time; docs/limits.md has the sum.
"""

import asyncio
from collections import Counter, OrderedDict, deque
from dataclasses import dataclass

from jobmonitor.ledger.claims import Kind
from jobmonitor.runtime.settings import SettingsError, variable_name

MOMENTS = 4
"""Connections for what takes moments: requests, claims, batches of a plan, starts and ends of jobs."""
OWN = 2
"""Of each job type: for a piece of work and for a plan. Half of it must not keep the other half waiting."""
SHARED_PLANS = 3
SHARED_WORK = 5
SHARED_ASSEMBLIES = 15
"""Each holds some megabytes and no connection."""


class Shares:
    """Slots of one kind: one for each job type, and so many more that they share."""

    def __init__(self, shared: int) -> None:
        self._shared = shared
        self._busy: Counter[str] = Counter()
        self._waiting: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()

    def of(self, job_type: str) -> "Share":
        return Share(self, job_type)

    def most(self, job_type: str) -> int:
        """How many slots the type could have at once as things stand."""
        others = sum(max(0, busy - 1) for other, busy in self._busy.items() if other != job_type)
        return 1 + self._shared - others

    async def take(self, job_type: str) -> None:
        """Wait for a slot."""
        if self._fits(job_type):
            self._busy[job_type] += 1
            return
        turn = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(job_type, deque()).append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                self._forget(job_type, turn)
            else:  # it was given a slot at the same moment
                self.give_back(job_type)
            raise

    def give_back(self, job_type: str) -> None:
        """Free a slot; the next is the type's that has the fewest, and of those equal each in turn."""
        self._busy[job_type] -= 1
        while (following := self._next()) is not None:
            turn = self._waiting[following].popleft()
            self._waiting.move_to_end(following)
            if not self._waiting[following]:
                del self._waiting[following]
            if not turn.cancelled():
                self._busy[following] += 1
                turn.set_result(None)

    def _next(self) -> str | None:
        return min(filter(self._fits, self._waiting), key=self._busy.__getitem__, default=None)

    def _fits(self, job_type: str) -> bool:
        return self._busy[job_type] < self.most(job_type)

    def _forget(self, job_type: str, turn: "asyncio.Future[None]") -> None:
        waiting = self._waiting.get(job_type, deque())
        if turn in waiting:
            waiting.remove(turn)
        if not waiting:
            self._waiting.pop(job_type, None)


class Share:
    """The slots of one job type; ``async with`` takes one."""

    def __init__(self, shares: Shares, job_type: str) -> None:
        self._shares = shares
        self._job_type = job_type

    @property
    def most(self) -> int:
        """See :meth:`Shares.most`."""
        return self._shares.most(self._job_type)

    async def __aenter__(self) -> None:
        await self._shares.take(self._job_type)

    async def __aexit__(self, *_: object) -> None:
        self._shares.give_back(self._job_type)


@dataclass(frozen=True, slots=True)
class Connections:
    """How the connections of a process are shared out."""

    pool: int
    """At once, beside the one that keeps leases."""
    plans: int
    """Of them for plans, beside one a type."""
    work: int
    """Of them for pieces of work, beside one a type."""

    def shares(self) -> dict[Kind, Shares]:
        """The slots that go with them."""
        return {"plan": Shares(self.plans), "work": Shares(self.work), "assemble": Shares(SHARED_ASSEMBLIES)}


def connections(job_types: int, pool: int = 0) -> Connections:
    """For so many job types; as many as they need, or the given number. Raises SettingsError: that is too small."""
    least = MOMENTS + OWN * job_types
    shared = pool - least if pool else SHARED_PLANS + SHARED_WORK
    if shared < 0:
        raise SettingsError(
            f"{variable_name('database_pool_size')} is {pool}, but to serve {job_types} job types takes {least} "
            "connections at least. Raise it, leave it unset, or serve fewer types."
        )
    plans = shared * SHARED_PLANS // (SHARED_PLANS + SHARED_WORK)
    return Connections(pool=least + shared, plans=plans, work=shared - plans)
