"""What became of the units of one chunk: settled for good, left for later, or not begun. Pure."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from jobmonitor.job_types.outside import UNKNOWN, Effect, Later, Left, Settled
from jobmonitor.job_types.protocol import Part
from jobmonitor.processor.counting import BadPart

Reserved = list[Effect | Settled]
"""One answer for each unit, in order."""


class Counts(msgspec.Struct, frozen=True):
    """As the ledger counts a chunk."""

    outcomes: dict[str, int]
    rejected: int
    rows: int = 0


@dataclass
class Acting:
    """The units of a chunk while they are acted on, one after the other."""

    units: Sequence[Any]
    answers: list[Effect | Settled | Later]
    """An ``Effect`` is what nothing was done about yet."""
    times_left: int
    later_max: int
    in_flight: int | None = field(default=None, init=False)
    """The place of the unit whose effect was begun and not answered."""

    def effects(self) -> list[tuple[int, Effect]]:
        """What is still to be done, each with its place."""
        return [(place, each) for place, each in enumerate(self.answers) if isinstance(each, Effect)]

    def begin(self, place: int) -> None:
        self.in_flight = place

    def answer(self, answer: Any) -> None:
        """Of the effect in flight. Raises BadPart."""
        place = self.in_flight
        if place is None or not isinstance(answer, Settled | Later):
            raise BadPart(f"An effect outside was answered with {answer!r:.100}.")
        if isinstance(answer, Later) and self.times_left >= self.later_max:
            answer = Settled(answer.reason, rejected=True)
        self.answers[place], self.in_flight = answer, None

    def was_not_begun(self) -> None:
        """The effect in flight surely did not happen."""
        self.in_flight = None

    def interrupted(self) -> None:
        """Nobody can tell whether the effect in flight happened."""
        if self.in_flight is not None:
            self.answer(Settled(UNKNOWN, rejected=True))

    def found_after_crash(self) -> None:
        """Nobody can tell of any effect whether it happened."""
        for place, _ in self.effects():
            self.begin(place)
            self.interrupted()

    def settled(self) -> list[tuple[Any, Settled]]:
        """Units and what became of them."""
        return [(unit, each) for unit, each in self._pairs() if isinstance(each, Settled)]

    def not_begun(self) -> list[Any]:
        """Units of which nothing was done."""
        return [unit for unit, each in self._pairs() if isinstance(each, Effect)]

    def later(self) -> dict[float, list[Any]]:
        """Units to be tried again, by the pause in seconds."""
        found: dict[float, list[Any]] = {}
        for unit, each in self._pairs():
            if isinstance(each, Later):
                found.setdefault(each.after_s, []).append(unit)
        return found

    def nothing_happened(self) -> bool:
        """Whether nothing is to be recorded: the chunk can be given back as it was."""
        return len(self.effects()) == len(self.answers)

    def counts(self, rows: int) -> Counts:
        """What the ledger counts."""
        settled = [each for _, each in self.settled()]
        outcomes = Counter(each.outcome for each in settled)
        return Counts(dict(outcomes), rejected=sum(each.rejected for each in settled), rows=rows)

    def _pairs(self) -> list[tuple[Any, Effect | Settled | Later]]:
        return list(zip(self.units, self.answers, strict=True))


def checked_answers(payload: Any, answers: Sequence[Any], *, units: int) -> Reserved:
    """What a job type reserved. Raises BadPart: it is not one answer for each unit."""
    if not isinstance(payload, list) or len(payload) != units:
        raise BadPart(f"The payload of a chunk with effects outside is not a list of its {units} units.")
    if len(answers) != units or not all(isinstance(each, Effect | Settled) for each in answers):
        raise BadPart(f"What was reserved is not one answer for each of {units} units.")
    _must_be_json(answers)
    return list(answers)


def _must_be_json(value: Any) -> None:
    """That PostgreSQL can keep. Raises BadPart."""
    try:
        encoded = msgspec.json.encode(value)
    except (TypeError, ValueError) as error:
        raise BadPart(f"What is to be kept for later is no JSON: {error}.") from error
    if rb"\u0000" in encoded:
        raise BadPart("What is to be kept for later contains a NUL character.")


def settle_left(part: Part, *, times_left: int, later_max: int, in_order: bool) -> tuple[Part, Left | None]:
    """The part, and what it leaves; what was left too often is refused instead. Raises BadPart."""
    left = part.left
    if left is None or left.units == 0:
        return part, None
    if in_order or left.units < 0:
        raise BadPart("A part of the work leaves units for later, which it may not.")
    _must_be_json(left.payload)
    if times_left < later_max:
        return part, left
    outcomes = Counter(part.outcomes)
    outcomes[left.reason] += left.units
    rejected = part.rejected + left.units
    return Part(part.content, outcomes, rejected, part.rows), None
