"""The whole stack on this machine, in one terminal: what ``make up`` runs."""

import logging
import os
import signal
import sys
import time

from jobmonitor.local.child import PRIVATE_UMASK
from jobmonitor.local.errors import LocalError
from jobmonitor.local.parent import MakeParent
from jobmonitor.local.settings import LocalSettings
from jobmonitor.local.stack import run_stack
from jobmonitor.runtime.settings import SettingsError, load

SAME_WISH_S = 2.0
"""Two signals within so long are one wish: ``make`` passes on what the terminal sends as well."""


class Interruption:
    """Turns the signals that end a program into KeyboardInterrupt, and remembers the wish.

    An exception raised by a signal can get lost in a library, or come out of it as another one.
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
        if time.monotonic() - self._last_at >= SAME_WISH_S:
            self._last_at = time.monotonic()
            raise KeyboardInterrupt


def say(text: str) -> None:
    """One line for the person at the terminal."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main() -> int:
    """Run the stack until it is told to stop. Returns the exit status: 1 something was in the way, 2 the settings."""
    interruption = Interruption()
    os.umask(PRIVATE_UMASK)
    logging.basicConfig(level=logging.ERROR)
    parent = MakeParent(os.environ)
    try:
        settings = load(LocalSettings, os.environ)
        run_stack(settings, os.environ, say, lambda: parent.wants_to_go_on() and not interruption.wished)
    except KeyboardInterrupt:
        pass
    except Exception as error:
        if not interruption.wished:
            return _complain(error)
    say("Stopped.")
    return 0


def _complain(error: Exception) -> int:
    """Tell what was in the way, in one line; returns the exit status. Raises what is a bug."""
    if isinstance(error, OSError):
        sys.stderr.write(f"{error}: see that the disk has space and that the folder may be written to.\n")
        return 1
    if isinstance(error, LocalError | SettingsError):
        sys.stderr.write(f"{error}\n")
        return 2 if isinstance(error, SettingsError) else 1
    raise error


if __name__ == "__main__":
    sys.exit(main())
