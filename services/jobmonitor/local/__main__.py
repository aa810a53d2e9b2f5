"""The whole stack on this machine, in one terminal: what ``make up`` runs."""

import logging
import os
import sys

from jobmonitor.local.child import PRIVATE_UMASK
from jobmonitor.local.errors import LocalError
from jobmonitor.local.interruption import Interruption
from jobmonitor.local.parent import MakeParent
from jobmonitor.local.settings import LocalSettings
from jobmonitor.local.stack import run_stack
from jobmonitor.runtime.settings import StartError, load


def say(text: str) -> None:
    """One line for the person at the terminal."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main() -> int:
    """Run the stack until it is told to stop. Returns the exit status: 1 it failed, 2 the settings are wrong."""
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
    """Tell in one line why it failed; returns the exit status. Raises what is a bug."""
    if isinstance(error, OSError):
        sys.stderr.write(f"{error}: see that the disk has space and that the folder may be written to.\n")
        return 1
    if isinstance(error, LocalError | StartError):
        sys.stderr.write(f"{error}\n")
        return 2 if isinstance(error, StartError) else 1
    raise error


if __name__ == "__main__":
    sys.exit(main())
