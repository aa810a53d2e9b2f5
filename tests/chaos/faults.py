"""Makes the plan's faults happen to the processes of the run's own stack, and undoes those that last."""

import asyncio
import os
import signal
from collections.abc import Callable

from chaos.plan import Fault, Plan
from jobmonitor.local.child import Child
from jobmonitor.local.stack import Stack

POLL_S = 0.02
SIGNALS = {
    "kill": signal.SIGKILL,
    "stop": signal.SIGTERM,
    "shut down": signal.SIGQUIT,  # PostgreSQL's immediate shutdown
    "remove": signal.SIGTERM,
    "pause": signal.SIGSTOP,
}


class Faults:
    """Every fault waits until its target runs: so all of the plan happen, if some a little late."""

    def __init__(self, plan: Plan, stack: Stack, on_end: Callable[[Fault], None]) -> None:
        """``on_end`` hears of each fault when it is over, a kill at once."""
        self._plan = plan
        self._children = {child.name: child for child in stack.children}
        self._on_end = on_end
        self.happened: list[Fault] = []

    async def run(self, began_s: float) -> None:
        """Return when the last fault is over. ``began_s`` on the loop's clock."""
        async with asyncio.TaskGroup() as tasks:
            for fault in self._plan.faults:
                tasks.create_task(self._happen(fault, began_s))

    async def _happen(self, fault: Fault, began_s: float) -> None:
        await asyncio.sleep(began_s + fault.at_s - asyncio.get_running_loop().time())
        child = self._children[fault.target]
        await self._strike(fault, child)
        self.happened.append(fault)
        self._on_end(fault)

    async def _strike(self, fault: Fault, child: Child) -> None:
        pid = await _running(child)
        if fault.what == "pause":
            os.kill(pid, signal.SIGSTOP)
            await asyncio.sleep(fault.lasts_s)
            os.kill(pid, signal.SIGCONT)
        elif fault.what in ("stop", "remove"):
            child.is_held = True
            os.kill(pid, SIGNALS[fault.what])
            await asyncio.sleep(fault.lasts_s)
            await _ended(child)
            child.is_held = False
        else:
            os.kill(pid, SIGNALS[fault.what])


async def _running(child: Child) -> int:
    """The pid of the child once it runs and nobody holds it away."""
    while (pid := child.pid) is None or child.is_held:
        await asyncio.sleep(POLL_S)
    return pid


async def _ended(child: Child) -> None:
    while child.pid is not None:
        await asyncio.sleep(POLL_S)
