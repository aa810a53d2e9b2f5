"""Reads the dead-letter topic: the letters kept there, and who redrove which.

A redrive is recorded as a message on the same topic: every operator with a broker's address sees it, no other store is
needed, and it lasts as long as its letter or longer, because it is the younger of the two. It tells itself apart by
having no position of its own; a letter always has one, so no headers of an original message can pass for a record.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Protocol

from jobmonitor.contract.topics import DEAD_LETTERS
from jobmonitor.runtime.dead_letters import PREFIX, DeadLetter

POSITION = re.compile(r"([A-Za-z0-9._-]+)/[0-9]+/[0-9]+")
REDRIVEN_POSITION = f"{PREFIX}redriven-position"
REDRIVEN_BY = f"{PREFIX}redriven-by"


class Record(Protocol):
    """What is read of a message on the dead-letter topic, as aiokafka gives it."""

    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...
    @property
    def headers(self) -> Sequence[tuple[str, bytes]]: ...
    @property
    def timestamp(self) -> int:
        """Milliseconds since 1970."""
        ...


@dataclass(frozen=True, slots=True)
class Redrive:
    """That somebody published a letter's message again."""

    at: datetime
    by: str


@dataclass(frozen=True, slots=True)
class KeptLetter:
    """One dead letter as it is kept."""

    position: str
    """Topic, partition and offset of the original message: the letter's identity."""
    topic: str
    at: datetime
    """When it was first given up."""
    process: str
    reason: str
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]
    """Of the original message, without ours."""
    omitted: bool
    """The message was too large to be kept: key, value and headers are only where it came from."""
    redrives: tuple[Redrive, ...] = ()
    """In the order of the log. Two operators at once can make two."""

    def why_not_redriven(self, *, again: bool) -> str | None:
        """Why its message cannot be published again, in words; nothing where it can."""
        if self.omitted:
            return f"The message of {self.position} was too large to be kept; it can be read only where it came from."
        if self.redrives and not again:
            last = self.redrives[-1]
            return f"{self.position} was redriven by {last.by} at {last.at:%Y-%m-%d %H:%M:%S} UTC; --again repeats it."
        return None


def redrive_record(position: str, by: str) -> DeadLetter:
    """The message that records a redrive, published after the original message is confirmed.

    So a crash between the two leaves a redrive nobody sees, which may be repeated, and never one that did not happen.
    """
    headers = [(REDRIVEN_POSITION, position.encode()), (REDRIVEN_BY, by.encode())]
    return DeadLetter(DEAD_LETTERS, position.encode(), b"", headers)


class KeptLetters:
    """The letters by position, folded from the records of the topic in their order.

    Of every message but the one at ``whole`` only the headers are held, because a message can be large and the topic
    long.
    """

    def __init__(self, whole: str | None = None) -> None:
        self._whole = whole
        self._letters: dict[str, KeptLetter] = {}
        self._redrives: dict[str, list[Redrive]] = {}
        self.strangers = 0
        """Messages on the topic that are neither letters nor records of a redrive."""

    def add(self, records: Iterable[Record]) -> None:
        for record in records:
            if letter := _letter(record):
                self._add_letter(letter)
            elif redriven := _redrive(record):
                self._redrives.setdefault(redriven[0], []).append(redriven[1])
            else:
                self.strangers += 1

    def _add_letter(self, letter: KeptLetter) -> None:
        """A letter is written again where a process could not know that it had been; the first counts."""
        kept = letter if letter.position == self._whole else replace(letter, key=None, value=None, headers=())
        self._letters.setdefault(letter.position, kept)

    def find(self, position: str) -> KeptLetter | None:
        letter = self._letters.get(position)
        return letter and replace(letter, redrives=tuple(self._redrives.get(position, ())))

    def newest_first(self, topic: str | None = None) -> list[KeptLetter]:
        """All, or those whose message stood on this topic."""
        found = [letter for position in self._letters if (letter := self.find(position))]
        wanted = [letter for letter in found if topic in (None, letter.topic)]
        return sorted(wanted, key=lambda letter: letter.at)[::-1]


def _letter(record: Record) -> KeptLetter | None:
    ours = _ours(record)
    position = POSITION.fullmatch(ours.get(f"{PREFIX}position", ""))
    if position is None:
        return None
    return KeptLetter(
        position=position[0],
        topic=position[1],
        at=_at(record),
        process=ours.get(f"{PREFIX}process", ""),
        reason=ours.get(f"{PREFIX}reason", ""),
        key=record.key,
        value=record.value,
        headers=tuple((name, text) for name, text in record.headers if not name.startswith(PREFIX)),
        # Ours stand last; one of this name before them came with the message and says nothing.
        omitted=record.headers[-1][0] == f"{PREFIX}omitted",
    )


def _redrive(record: Record) -> tuple[str, Redrive] | None:
    ours = _ours(record)
    if REDRIVEN_POSITION not in ours:
        return None
    return ours[REDRIVEN_POSITION], Redrive(at=_at(record), by=ours.get(REDRIVEN_BY, ""))


def _ours(record: Record) -> dict[str, str]:
    return {name: (text or b"").decode(errors="replace") for name, text in record.headers if name.startswith(PREFIX)}


def _at(record: Record) -> datetime:
    return datetime.fromtimestamp(record.timestamp / 1000, UTC)
