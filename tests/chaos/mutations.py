"""Golden messages damaged in every way a wrong producer might think of. Pure: the same seed gives the same messages."""

import json
import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from support.raw_batches import Raw

LARGEST_BYTES = 900_000
STRANGE_VALUES: Sequence[Any] = (
    None,
    True,
    -1,
    0,
    1.5,
    2**31,
    2**63,
    -(2**70),
    1e308,
    "",
    "x" * 5000,
    "\x00",
    "\ud800",
    "\u202e\u200b",
    [],
    {},
    [[]] * 50,
    "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59.999999Z",
    "2026-13-45T99:99:99Z",
    "1999-01-01T00:00:00+23:59",
)
STRANGE_HEADERS: Sequence[tuple[bytes, bytes | None]] = (
    (b"\xc3\x28", b"x"),
    (b"", b""),
    (b"ce_type", b"\xff\xfe"),
    (b"ce_type", None),
    (b"content-type", b"text/plain"),
    (b"dead-letter-position", b"jobs.probe/0/0"),
    (b"dead-letter-topic", None),
    (b"jobmonitor-unreadable", b"says who"),
    (b"x" * 2000, b"y" * 20_000),
)


class Mutated(NamedTuple):
    """One message, and where it goes."""

    topic: str
    partition: int
    message: Raw


def mutated(goldens: Sequence[bytes], topics: Sequence[tuple[str, int]], seed: int) -> Iterator[Mutated]:
    """Endlessly many. ``topics`` are names with their numbers of partitions; each message goes to any of them."""
    chance = random.Random(seed)
    while True:
        topic, partitions = chance.choice(topics)
        value = _with_job_of_its_own(chance.choice(goldens), chance)
        key: bytes | None = chance.choice(
            [b"key", b"", b"\xff\xfe", str(UUID(int=chance.getrandbits(128))).encode(), None]
        )
        for _ in range(chance.randint(1, 2)):
            value = chance.choice(WAYS)(value, chance)
        if chance.random() < 0.02:
            value, key = b"", None
        headers = [chance.choice(STRANGE_HEADERS) for _ in range(chance.choice([0, 0, 0, 1, 2]))]
        yield Mutated(topic, chance.randrange(partitions), Raw(key, value[:LARGEST_BYTES], headers))


def _with_job_of_its_own(golden: bytes, chance: random.Random) -> bytes:
    """Half of the messages: the others all speak of one job."""
    document = json.loads(golden)
    if chance.random() < 0.5:
        document["subject"] = str(UUID(int=chance.getrandbits(128), version=4))
    return json.dumps(document).encode()


def _flip(value: bytes, chance: random.Random) -> bytes:
    damaged = bytearray(value)
    for _ in range(chance.randint(1, 8)):
        if damaged:
            damaged[chance.randrange(len(damaged))] ^= 1 << chance.randrange(8)
    return bytes(damaged)


def _cut(value: bytes, chance: random.Random) -> bytes:
    return value[: chance.randrange(len(value) + 1)]


def _splice(value: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(value) + 1)
    return (
        value[:at] + chance.choice([b"\x00", b"\xef\xbb\xbf", b"\xff" * 9, b"{" * 50, b"\\u0000", b"NaN"]) + value[at:]
    )


def _bom(value: bytes, _chance: random.Random) -> bytes:
    return b"\xef\xbb\xbf" + value


def _twice(value: bytes, chance: random.Random) -> bytes:
    """A field that is there twice."""
    extra = json.dumps(chance.choice(STRANGE_VALUES)).encode()
    name = chance.choice([b"data", b"type", b"subject", b"time", b"id"])
    return value.rstrip().removesuffix(b"}") + b', "' + name + b'": ' + extra + b"}"


def _deep(value: bytes, chance: random.Random) -> bytes:
    depth = chance.choice([30, 500, 975, 980, 985, 5000, 100_000])
    nested = b'{"a":' * depth + b"1" + b"}" * depth if chance.random() < 0.5 else b"[" * depth + b"]" * depth
    return value.replace(b'"parameters": {', b'"parameters": {"deep": ' + nested + b", ", 1) + b" " * chance.randrange(
        2
    )


def _huge(value: bytes, chance: random.Random) -> bytes:
    text = b'"' + b"y" * chance.choice([10_000, 100_000, 850_000]) + b'"'
    return value.replace(b'"parameters": {', b'"parameters": {"huge": ' + text + b", ", 1)


def _swap(value: bytes, chance: random.Random) -> bytes:
    """Some value of the document becomes another, of any type."""
    try:
        document = json.loads(value)
    except (ValueError, RecursionError):
        return _flip(value, chance)
    places = list(_places(document))
    if places:
        holder, name = chance.choice(places)
        holder[name] = chance.choice(STRANGE_VALUES)
    return _encoded(document, value)


def _drop(value: bytes, chance: random.Random) -> bytes:
    try:
        document = json.loads(value)
    except (ValueError, RecursionError):
        return _cut(value, chance)
    places = [(holder, name) for holder, name in _places(document) if isinstance(holder, dict)]
    if places:
        holder, name = chance.choice(places)
        del holder[name]
    return _encoded(document, value)


def _encoded(document: Any, otherwise: bytes) -> bytes:
    try:
        return json.dumps(document).encode()
    except RecursionError:
        return otherwise


def _as_it_is(value: bytes, _chance: random.Random) -> bytes:
    """The topic, the partition or the headers are wrong enough."""
    return value


def _places(document: Any, depth: int = 3) -> Iterator[tuple[Any, Any]]:
    if isinstance(document, dict):
        for name, value in document.items():
            yield document, name
            if depth:
                yield from _places(value, depth - 1)


WAYS: Sequence[Callable[[bytes, random.Random], bytes]] = (
    _flip,
    _cut,
    _splice,
    _bom,
    _twice,
    _deep,
    _huge,
    _swap,
    _swap,
    _swap,
    _drop,
    _as_it_is,
)
