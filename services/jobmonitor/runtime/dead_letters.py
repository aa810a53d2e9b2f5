"""Dead letters: messages nobody could decode or apply, kept whole with the reason, so that nothing is lost.

One message makes one dead letter: of requests and facts the projection writes it, of chunks the processor.
"""

from collections.abc import Sequence
from typing import NamedTuple

from jobmonitor.contract.topics import DEAD_LETTERS

PREFIX = "dead-letter-"
REASON_LENGTH = 500
"""Characters of the reason kept: it can quote from a message of any size."""


class DeadLetter(NamedTuple):
    """A message for the dead-letter topic: the original key and value, the original headers, and where from and why."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes]]

    def by_position(self) -> "DeadLetter":
        """The same without anything of the original message, which stays readable where it came from."""
        ours = [(name, text) for name, text in self.headers if name.startswith(PREFIX)]
        return DeadLetter(self.topic, None, None, [*ours, (f"{PREFIX}omitted", b"key, value and headers: too large")])


def dead_letter(
    *,
    topic: str,
    partition: int,
    offset: int,
    key: bytes | None,
    value: bytes | None,
    headers: Sequence[tuple[str, bytes]],
    reason: str,
    process: str,
) -> DeadLetter:
    """The dead letter of one message. Its position is its identity, so a repeat is recognised."""
    about = {
        "position": f"{topic}/{partition}/{offset}",
        "topic": topic,
        "partition": str(partition),
        "offset": str(offset),
        "reason": reason[:REASON_LENGTH],
        "process": process,
    }
    added = [(PREFIX + name, text.encode()) for name, text in about.items()]
    return DeadLetter(DEAD_LETTERS, key, value, [*headers, *added])
