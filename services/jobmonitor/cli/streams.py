"""Standard input, output and error as the tool needs them: whatever they are, an error is told in a sentence."""

import errno
import io
import os
import sys
from pathlib import Path
from typing import TextIO

from jobmonitor.cli.errors import CommandError


class OutputLost(Exception):
    """Standard output takes no more. Not an OSError, so that no command takes it for an error of its own."""

    def __init__(self, error: OSError) -> None:
        super().__init__(error.strerror or "it cannot be written")
        self.reader_left = error.errno == errno.EPIPE


class _Output(io.TextIOWrapper):
    """Says by OutputLost that nothing can be written."""

    def write(self, text: str, /) -> int:
        try:
            return super().write(text)
        except OSError as error:
            raise OutputLost(error) from error

    def flush(self) -> None:
        try:
            super().flush()
        except OSError as error:
            raise OutputLost(error) from error


class _Complaints(io.TextIOWrapper):
    """Standard error: what cannot be written there cannot be said anywhere."""

    def write(self, text: str, /) -> int:
        try:
            return super().write(text)
        except OSError:
            return len(text)

    def flush(self) -> None:
        try:
            super().flush()
        except OSError:
            give_up(self)


def prepare() -> None:
    """Make all three usable. Raises CommandError where standard output is closed.

    Names of files need not be UTF-8; they go out as they came in. A terminal with fewer characters gets escapes.
    """
    if sys.stdin is None:
        sys.stdin = Path(os.devnull).open(encoding="utf-8")  # noqa: SIM115 - for as long as the process runs
    if sys.stderr is None:
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115
    else:
        sys.stderr = _wrapped(sys.stderr, _Complaints, "backslashreplace")
    if sys.stdout is None:
        raise CommandError("Standard output is closed: there is nowhere to write. /dev/null takes what nobody wants.")
    sys.stdout = _wrapped(sys.stdout, _Output, "surrogateescape" if is_unicode() else "backslashreplace")


def is_unicode() -> bool:
    """Whether standard output takes every character."""
    return (sys.stdout.encoding or "").lower().replace("-", "") in ("utf8", "utf16", "utf32")


def give_up(stream: TextIO) -> None:
    """Let what is still to be written vanish. Python would complain once more when it flushes at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _wrapped(stream: TextIO, kind: type[io.TextIOWrapper], errors: str) -> TextIO:
    if not isinstance(stream, io.TextIOWrapper):
        return stream  # another program's own
    line_by_line = stream.line_buffering
    return kind(stream.detach(), encoding=stream.encoding, errors=errors, line_buffering=line_by_line)
