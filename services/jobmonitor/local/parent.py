"""Whether whoever started the stack still wants it."""

import os
import signal
from collections.abc import Mapping
from pathlib import Path


class MakeParent:
    """``make``, when it runs the stack: it waits for its recipe to end, also when it was told itself to end."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._pid = os.getppid() if environment.get("MAKELEVEL") else None
        self._can_be_interrupted = self._pid is not None and _catches_interrupts(self._pid)
        """Not where a script started it in the background: there SIGINT is ignored from the beginning."""

    def wants_to_go_on(self) -> bool:
        """False when it is gone, or was interrupted: then it no longer catches SIGINT. True without ``make``."""
        if self._pid is None:
            return True
        return os.getppid() == self._pid and (not self._can_be_interrupted or _catches_interrupts(self._pid))


def _catches_interrupts(pid: int) -> bool:
    try:
        lines = (Path("/proc") / str(pid) / "status").read_text(encoding="utf-8").splitlines()
    except OSError:
        return True
    caught = next((int(line.split()[1], 16) for line in lines if line.startswith("SigCgt:")), None)
    return caught is None or bool(caught & 1 << (signal.SIGINT - 1))
