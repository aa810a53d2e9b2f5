"""How a signal ends the stack: as a KeyboardInterrupt, where one does no harm."""

import asyncio
import signal
import time
from typing import NoReturn

SAME_WISH_S = 2.0
"""Two signals within so long are one wish: ``make`` passes on what the terminal sends as well."""


class Interruption:
    """Turns the signals that end a program into KeyboardInterrupt, and remembers the wish.

    An exception raised by a signal can get lost in a library, or come out of it as another one. In the middle of a
    driver's step it leaves a connection between two states, which has crashed the interpreter: while an event loop
    runs, it is raised between two steps of the loop.
    """

    def __init__(self) -> None:
        self.wished = False
        self._last_at = -SAME_WISH_S
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._interrupt)
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # as nohup has it
            signal.signal(signal.SIGHUP, self._interrupt)

    def _interrupt(self, *_: object) -> None:
        self.wished = True
        if time.monotonic() - self._last_at < SAME_WISH_S:
            return
        self._last_at = time.monotonic()
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            raise KeyboardInterrupt from None
        loop.call_soon_threadsafe(_raise)


def _raise() -> NoReturn:
    raise KeyboardInterrupt
