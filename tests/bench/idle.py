"""What a stack costs that has nothing to do: memory shared fairly (PSS), and processor time."""

import time

from bench.figures import Figure, at_most
from bench.running_stack import RunningStack

SETTLE_S = 20
WINDOW_S = 10
WINDOWS = 5


def idle_figures(stack: RunningStack, what: str = "idle stack") -> list[Figure]:
    """Measured after the start has settled, over several windows."""
    time.sleep(SETTLE_S)
    memory, load = [], []
    for _ in range(WINDOWS):
        before = _cpu_s(stack)
        time.sleep(WINDOW_S)
        load.append(100 * (_cpu_s(stack) - before) / WINDOW_S)
        memory.append(sum(process.memory_full_info().pss for process in stack.processes()) / 1e6)
    return [
        at_most(1500, f"{what}: memory", "MB", memory),
        at_most(15, f"{what}: processor", "% core", load),
    ]


def _cpu_s(stack: RunningStack) -> float:
    return sum(process.cpu_times().user + process.cpu_times().system for process in stack.processes())
