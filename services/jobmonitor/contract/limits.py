"""How much may come in, whichever way it comes: HTTP, Kafka or the command line. Pure.

What is within these limits can be stored in every table and encoded in every answer. Texts, numbers and instants are
bounded where they are decoded (``contract.events``, ``contract.envelope``); the parameters of a submission here,
because there the job's owner can be told.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from unicodedata import category

import msgspec

FIRST_YEAR, LAST_YEAR = 2000, 2099
"""Of any instant, in UTC. Before and after lie mistakes: zero values and maxima."""
INSTANT_PATTERN = "^20(?!00-01-01|99-12-31)[0-9]{2}-"
"""Says so of an instant as it is written, in any zone; for the schemas, which cannot calculate."""
_EARLIEST, _AFTER_LATEST = datetime(FIRST_YEAR, 1, 1, tzinfo=UTC), datetime(LAST_YEAR + 1, 1, 1, tzinfo=UTC)
TEXT_LENGTH_MAX = 256
"""Of an event's id and source."""
CODE_LENGTH_MAX = 64
REASON_LENGTH_MAX = 500
"""A sentence or three: it is shown in a table."""
NAME_LENGTH_MAX = 64
"""Of a unit, an outcome, an extension."""
WAITS_FOR_LENGTH_MAX = 100
"""Of what a job waits for: a few words, it is shown in a table."""
OUTCOMES_MAX = 100
REFERENCE_LENGTH_MAX = 160
"""In characters."""
REFERENCE_PATTERN = r"^[^\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]*$"
"""Says what ``has_unseen`` says, for the schemas."""

PARAMETERS_BYTES_MAX = 240 * 1024
"""Encoded as JSON. An export with a hundred long answers and a hundred broadcast filters of ten ids has 120 kB. With
what is around it, it fits an HTTP body of 256 KiB, and a Kafka message of 1 MiB."""
DEPTH_MAX = 32
"""Objects and lists within each other. Real parameters have four; libraries differ from some hundreds on."""
NAMES_MAX = 2_000
"""Names in all objects together. A query of a hundred filters of each kind has some four hundred."""
STRING_LENGTH_MAX = 20_000
"""Of one text in the parameters, in characters."""
RUN_AT_AHEAD = timedelta(days=366)
"""How far ahead a job can be scheduled, by the clock of the database that accepts it."""
INTEGER_MAX = 2**63 - 1
"""In either direction: what a database column holds."""


_LONG_NUMBER = re.compile(rb"\d{19}")
"""May be beyond ``INTEGER_MAX``, which has as many digits."""
_CONTROLS = ("Cc", "Cs", "Zl", "Zp")
"""Unicode's categories of control characters, surrogates, and separators of lines and paragraphs."""
_BIDIRECTIONAL = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""They turn round what stands beside them (Unicode Standard Annex 9). Others of their category join emoji."""


class Refusal(msgspec.Struct, frozen=True):
    """Why something that was asked for is not done."""

    code: str
    """A stable word for programs."""
    reason: str
    """One sentence for whoever asked. Quotes nothing of unknown length."""


def is_an_instant(instant: datetime) -> bool:
    """Whether it lies in the years we take."""
    return _EARLIEST <= instant < _AFTER_LATEST


def must_be_an_instant(instant: datetime) -> None:
    """Raises ValueError outside the years we take."""
    if not is_an_instant(instant):
        raise ValueError(f"The year must lie between {FIRST_YEAR} and {LAST_YEAR}")


def shortened(text: str, length_max: int = REASON_LENGTH_MAX) -> str:
    """The text without control characters, cut where it is too long."""
    plain = "".join(character if character.isprintable() else " " for character in text[: length_max + 1])
    return plain if len(plain) <= length_max else f"{plain[: length_max - 1]}…"


def has_unseen(text: str) -> bool:
    """Whether the text holds a control character, a line break among them, or one that sets the direction of others."""
    if text.isprintable():
        return False
    return any(character in _BIDIRECTIONAL or category(character) in _CONTROLS for character in text)


def reference_refused(reference: str) -> Refusal | None:
    """Why a job cannot have this name; None where it can."""
    if len(reference) > REFERENCE_LENGTH_MAX:
        return Refusal("bad_reference", f"The reference is too long: at most {REFERENCE_LENGTH_MAX} characters.")
    if has_unseen(reference):
        return Refusal(
            "bad_reference",
            "The reference holds a line break, or another character that cannot be seen. Write it on one line.",
        )
    return None


def parameters_refused(parameters: Mapping[str, Any]) -> Refusal | None:
    """Why these parameters, decoded from JSON, are too much; None where they are not. Whatever they mean."""
    return None if _are_plainly_few(parameters) else _too_much(parameters)


def _are_plainly_few(parameters: Mapping[str, Any]) -> bool:
    """Whether their JSON alone shows that they are not too much: nearly always, and ten times as fast as looking."""
    try:
        encoded = msgspec.json.encode(parameters)
    except (OverflowError, RecursionError):
        return False
    return (
        len(encoded) <= STRING_LENGTH_MAX
        and encoded.count(b"{") + encoded.count(b"[") <= DEPTH_MAX
        and encoded.count(b'":') <= NAMES_MAX
        and b"\\u0000" not in encoded
        and _LONG_NUMBER.search(encoded) is None
    )


def _too_much(parameters: Mapping[str, Any]) -> Refusal | None:
    names = 0
    for depth, value in _walk(parameters):
        if depth > DEPTH_MAX:
            return Refusal("too_deep", f"The parameters are nested too deeply: at most {DEPTH_MAX} levels.")
        names += len(value) if isinstance(value, dict) else 0
        if names > NAMES_MAX:
            return Refusal("too_many_names", f"The parameters have too many names: at most {NAMES_MAX:,} in all.")
        if refusal := _scalar_refused(value):
            return refusal
    if len(msgspec.json.encode(parameters)) > PARAMETERS_BYTES_MAX:
        size = PARAMETERS_BYTES_MAX // 1024
        return Refusal("too_large", f"The parameters are too large: at most {size} KiB as JSON.")
    return None


def _walk(value: Any) -> Iterator[tuple[int, Any]]:
    """Every value, name and container with its depth; the outermost has depth 1. Without recursion."""
    waiting: list[tuple[int, Any]] = [(1, value)]
    while waiting:
        depth, each = waiting.pop()
        yield depth, each
        if isinstance(each, dict):
            waiting += [(depth, name) for name in each]
            waiting += [(depth + 1 if isinstance(inner, dict | list) else depth, inner) for inner in each.values()]
        elif isinstance(each, list):
            waiting += [(depth + 1 if isinstance(inner, dict | list) else depth, inner) for inner in each]


def _scalar_refused(value: Any) -> Refusal | None:
    if isinstance(value, str):
        if len(value) > STRING_LENGTH_MAX:
            limit = f"{STRING_LENGTH_MAX:,}"
            return Refusal("text_too_long", f"A text in the parameters is too long: at most {limit} characters.")
        if "\0" in value:
            return Refusal("nul_character", "The parameters hold a NUL character, which no database can store.")
    if isinstance(value, int) and abs(value) > INTEGER_MAX:
        return Refusal("number_too_large", f"A whole number in the parameters is beyond ±{INTEGER_MAX}.")
    return None
