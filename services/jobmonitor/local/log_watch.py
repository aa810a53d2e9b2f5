"""Finds what an operator should see in the logs that the children write."""

import re
from pathlib import Path

LINES_AT_ONCE = 5
TELLING = re.compile(r"\[(warning|error|critical)\s*\]| (WARN|ERROR|FATAL) |(WARNING|FATAL|PANIC):  ")
"""Lines of structlog, of Kafka, of PostgreSQL. What PostgreSQL calls ERROR is an answer to somebody's statement."""
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
KEPT_BYTES = 10_000_000


class LogWatch:
    """Reads on where it stopped the last time; begins at the end of what is there."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._position = path.stat().st_size if path.exists() else 0

    def news(self) -> list[str]:
        """The new lines that tell of trouble: a few, and how many more there were."""
        telling = [line.strip() for line in self._new_lines() if TELLING.search(line)]
        left_out = len(telling) - LINES_AT_ONCE
        return [*telling[:LINES_AT_ONCE], *([f"and {left_out} more in {self._path}"] if left_out > 0 else [])]

    def _new_lines(self) -> list[str]:
        try:
            if self._path.stat().st_size == self._position:
                return []
            with self._path.open("rb") as log:
                log.seek(self._position)
                content = log.read()
        except OSError:
            return []
        whole = content[: content.rfind(b"\n") + 1]
        self._position += len(whole)
        return COLOUR.sub("", whole.decode(errors="replace")).splitlines()


def put_aside_long_logs(folder: Path) -> None:
    """Rename logs that grew long, so that each child starts a new one; the one put aside before is lost."""
    for path in folder.glob("*.log"):
        if path.stat().st_size > KEPT_BYTES:
            path.replace(path.with_suffix(".log.1"))
