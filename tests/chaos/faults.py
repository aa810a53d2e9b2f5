"""Makes the plan's faults happen to the processes of the run's own stack, and undoes those that last."""

import asyncio
import os
import signal
from collections.abc import Callable, Iterable
from contextlib import suppress

from chaos.plan import Fault, Plan
from jobmonitor.local.child import Child

POLL_S = 0.02
BACK_WITHIN_S = 120.0
"""For so long a fault waits for its target to run, or to end; then it has not happened."""
SIGNALS = {
    "kill": signal.SIGKILL,
    "stop": signal.SIGTERM,
    "shut down": signal.SIGQUIT,  # PostgreSQL's immediate shutdown
    "remove": signal.SIGTERM,
    "pause": signal.SIGSTOP,
}


class Faults:
    """Every fault waits until its target runs: so all of the plan happen, if some a little late."""

    def __init__(self, plan: Plan, children: Iterable[Child], on_end: Callable[[Fault], None]) -> None:
        """``on_end`` hears of each fault when it is over, a kill at once."""
        self._plan = plan
        self._children = {child.name: child for child in children}
        self._on_end = on_end
        self.happened: list[Fault] = []

    async def run(self, began_s: float) -> None:
        """Return when the last fault is over. ``began_s`` on the loop's clock."""
        async with asyncio.TaskGroup() as tasks:
            for fault in self._plan.faults:
                tasks.create_task(self._happen(fault, began_s))

    async def _happen(self, fault: Fault, began_s: float) -> None:
        await asyncio.sleep(began_s + fault.at_s - asyncio.get_running_loop().time())
        with suppress(TimeoutError):
            await self._strike(fault, self._children[fault.target])
            self.happened.append(fault)
            self._on_end(fault)

    async def _strike(self, fault: Fault, child: Child) -> None:
        pid = await _running(child)
        if fault.what == "pause":
            os.kill(pid, signal.SIGSTOP)
            await asyncio.sleep(fault.lasts_s)
            os.kill(pid, signal.SIGCONT)
        elif fault.what in ("stop", "remove"):
            await _away(child, pid, SIGNALS[fault.what], fault.lasts_s)
        else:
            os.kill(pid, SIGNALS[fault.what])


async def _away(child: Child, pid: int, number: signal.Signals, lasts_s: float) -> None:
    """End it and keep the supervisor from starting it again for so long. Raises TimeoutError: it did not end."""
    child.is_held = True
    try:
        os.kill(pid, number)
        await asyncio.sleep(lasts_s)
        async with asyncio.timeout(BACK_WITHIN_S):
            while child.pid is not None:
                await asyncio.sleep(POLL_S)
    finally:
        child.is_held = False


async def _running(child: Child) -> int:
    """The pid of the child once it runs and nobody holds it away. Raises TimeoutError."""
    async with asyncio.timeout(BACK_WITHIN_S):
        while (pid := child.pid) is None or child.is_held:
            await asyncio.sleep(POLL_S)
    return pid
