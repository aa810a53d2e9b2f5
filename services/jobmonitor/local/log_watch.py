"""Finds what an operator should see in the logs that the children write."""

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

TELLING = re.compile(r"\[(warning|error|critical)\s*\]| (WARN|ERROR|FATAL) |(WARNING|FATAL|PANIC):  ")
"""Lines of structlog, of Kafka, of PostgreSQL. What PostgreSQL calls ERROR is an answer to somebody's statement."""
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
PARTICULARS = re.compile(r"[^a-zA-Z ]+")
KIND_CHARACTERS = 60
SAME_AGAIN_S = 60.0
"""Complaints of one kind are passed on once in so long."""
KEPT_BYTES = 10_000_000


class LogWatch:
    """Reads on where it stopped the last time; begins at the end of what is there."""

    def __init__(self, path: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._path = path
        self._clock = clock
        self._position = path.stat().st_size if path.exists() else 0
        self._said_at: dict[str, float] = {}

    def news(self) -> list[str]:
        """The new lines that tell of trouble, one of each kind."""
        return [line for line in self._new_lines() if TELLING.search(line) and self._is_new(line)]

    def _is_new(self, line: str) -> bool:
        kind, now = PARTICULARS.sub("", line)[:KIND_CHARACTERS], self._clock()
        if now - self._said_at.get(kind, -SAME_AGAIN_S) < SAME_AGAIN_S:
            return False
        self._said_at[kind] = now
        return True

    def _new_lines(self) -> Iterator[str]:
        try:
            with self._path.open("rb") as log:
                log.seek(self._position)
                content = log.read()
        except OSError:
            return
        whole = content[: content.rfind(b"\n") + 1]
        self._position += len(whole)
        yield from COLOUR.sub("", whole.decode(errors="replace")).splitlines()


def put_aside_long_logs(folder: Path) -> None:
    """Rename logs that grew long, so that each child starts a new one; the one put aside before is lost."""
    for path in folder.glob("*.log"):
        if path.stat().st_size > KEPT_BYTES:
            path.replace(path.with_suffix(".log.1"))
