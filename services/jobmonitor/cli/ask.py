"""Asks for confirmation before what cannot be undone."""

import sys

from jobmonitor.cli.errors import USAGE, CommandError


def confirmed(question: str) -> bool:
    """Whether the person at the terminal says yes. Raises CommandError where there is no terminal."""
    if not sys.stdin.isatty():
        raise CommandError("Nobody can be asked here; --yes goes ahead without asking.", USAGE)
    return input(f"{question} [y/N] ").strip().lower() in ("y", "yes")
