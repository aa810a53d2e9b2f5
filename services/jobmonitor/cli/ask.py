"""Asking once before something is done that cannot be taken back."""

import sys

from jobmonitor.cli.errors import USAGE, CommandError


def confirmed(question: str) -> bool:
    """Whether the person at the terminal says yes. Raises CommandError where nobody is there."""
    if not sys.stdin.isatty():
        raise CommandError("Nobody can be asked here; --yes goes ahead without asking.", USAGE)
    return input(f"{question} [y/N] ").strip().lower() in ("y", "yes")
