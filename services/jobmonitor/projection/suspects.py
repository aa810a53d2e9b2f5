"""What to do with messages of which one may have ended the process that folded them: the rule. Pure.

A message that ends the process leaves no word: the process was killed for its memory, say, and the next one meets the
same message. So claims are counted that did not end well. At the third the partition's messages are tried apart from
all others, and which ones is written down before: first some hundred at once, then, if that ended the process too,
each alone, until one has done so twice. It becomes a dead letter. It has ended five processes then; nothing does more.
"""

from typing import NamedTuple

from jobmonitor.runtime.poison import ENDS_MAX

CLAIMS_TRUSTED = 2
"""So many claims in a row may end badly before anything is suspected: machines fail, operators kill."""
MESSAGES_AT_ONCE = 200
TRIES_ALONE = ENDS_MAX - CLAIMS_TRUSTED - 1


class Trial(NamedTuple):
    """Messages of one partition that are tried apart from all others."""

    first: int
    end: int
    """Behind the last one that may be tried."""
    tries: int
    """This one included: how often just these were tried in a row."""
    alone_until: int
    """Before this offset every message is tried alone."""

    @property
    def is_given_up(self) -> bool:
        """It is not tried any more."""
        return self.end - self.first == 1 and self.tries > TRIES_ALONE

    def survived(self) -> "Trial":
        """What is known once these are folded: nothing against them."""
        return Trial(self.first, self.first, 0, self.alone_until)


def is_suspect(claims: int) -> bool:
    """Whether a partition with so many claims, the present one included, may hold a message that ends the process."""
    return claims > CLAIMS_TRUSTED


def next_trial(last: Trial, next_offset: int) -> Trial:
    """What is tried next, after the last one ended the process, or was survived."""
    alone_until = last.alone_until
    if last.end - last.first > 1 and last.first <= next_offset < last.end:
        alone_until = max(alone_until, last.end)
    if next_offset >= alone_until:
        return Trial(next_offset, next_offset + MESSAGES_AT_ONCE, 1, alone_until)
    again = last.first == next_offset and last.end == next_offset + 1
    return Trial(next_offset, next_offset + 1, last.tries + 1 if again else 1, alone_until)
