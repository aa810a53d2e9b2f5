"""The probe's CPU work; imported by the processes of the CPU pool, so it imports little."""

import os
import signal
import time


def work(seconds: float, crash: bool) -> None:
    """Keep a processor busy for so long. ``crash``: then end the process."""
    ends_at = time.monotonic() + seconds
    while time.monotonic() < ends_at:
        pass
    if crash:
        os.kill(os.getpid(), signal.SIGKILL)
