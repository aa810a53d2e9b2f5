"""SQL lives in ``.sql`` files, one statement a file, all in one dialect: ``:name`` is a value, ``{name}`` a part.

Values travel apart from the text, numbered as the driver wants them; that is done once for each statement. Parts are
text of our own (the name of a table, more conditions) or other statements, and never anything that somebody typed.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from importlib.resources import files
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

if TYPE_CHECKING:
    import asyncpg
    from asyncpg.cursor import CursorFactory

    from jobmonitor.database.pool import Connection, Pool

_COMMENT = re.compile(r"^\s*--.*\n?", re.MULTILINE)
_HOLE = re.compile(r"(?<![:\w]):(?P<value>[a-z]\w*)|\{(?P<part>[a-z]\w*)\}")


class _Parameter(NamedTuple):
    """A value that comes with the call."""

    name: str


class _Part(NamedTuple):
    """Text that has to be filled in first."""

    name: str


class _Bound:
    """A value that is known already. Two are the same only if they are one."""

    def __init__(self, value: Any) -> None:
        self.value = value


_Piece: TypeAlias = str | _Parameter | _Part | _Bound
_Executor: TypeAlias = "Connection | Pool"


class Statement:
    """One statement, or a part of one, made of texts and other statements that follow each other."""

    def __init__(self, *parts: "str | Statement") -> None:
        self._pieces: tuple[_Piece, ...] = tuple(chain.from_iterable(map(_pieces, parts)))
        self._filled: dict[tuple[tuple[str, object], ...], Statement] = {}

    @cached_property
    def _numbered(self) -> tuple[str, Sequence[_Parameter | _Bound]]:
        """The text as the driver takes it, and what its numbers stand for. Raises ValueError: a part is missing."""
        numbers: dict[_Parameter | _Bound, int] = {}
        texts = []
        for piece in self._pieces:
            if isinstance(piece, _Part):
                raise ValueError(f"The part {{{piece.name}}} is not filled in: {self}")  # noqa: TRY004 - no type is wrong
            texts.append(piece if isinstance(piece, str) else f"${numbers.setdefault(piece, len(numbers) + 1)}")
        return "".join(texts), list(numbers)

    @property
    def text(self) -> str:
        """With ``$1`` and so on for the values."""
        return self._numbered[0]

    @property
    def names(self) -> list[str]:
        """Of the values that have to come with a call, as far as parts that are not filled in name no others."""
        return list(dict.fromkeys(piece.name for piece in self._pieces if isinstance(piece, _Parameter)))

    def arguments(self, values: Mapping[str, Any]) -> list[Any]:
        """The values in the order of their numbers. Raises KeyError: one is missing."""
        return [each.value if isinstance(each, _Bound) else values[each.name] for each in self._numbered[1]]

    def bind(self, **values: Any) -> "Statement":
        """The same with these values in it, which no other statement around it can take for its own."""
        bound = {name: _Bound(value) for name, value in values.items()}
        return _of(bound.get(piece.name, piece) if isinstance(piece, _Parameter) else piece for piece in self._pieces)

    def fill(self, **parts: "str | Statement") -> "Statement":
        """The same with these parts in it. With texts alone it is made once."""
        if any(isinstance(part, Statement) for part in parts.values()):
            return self._fill(parts)
        key = tuple(parts.items())
        if key not in self._filled:
            self._filled[key] = self._fill(parts)
        return self._filled[key]

    def _fill(self, parts: Mapping[str, "str | Statement"]) -> "Statement":
        pieces = {name: _pieces(part) for name, part in parts.items()}
        return _of(
            chain.from_iterable(
                pieces.get(piece.name, (piece,)) if isinstance(piece, _Part) else (piece,) for piece in self._pieces
            )
        )

    def __str__(self) -> str:
        return "".join(map(_shown, self._pieces))

    async def fetch(self, on: _Executor, /, **values: Any) -> "list[asyncpg.Record]":
        return await on.fetch(self.text, *self.arguments(values))

    async def fetchrow(self, on: _Executor, /, **values: Any) -> "asyncpg.Record | None":
        return await on.fetchrow(self.text, *self.arguments(values))

    async def fetchval(self, on: _Executor, /, **values: Any) -> Any:
        """The first column of the first row; None without a row."""
        return await on.fetchval(self.text, *self.arguments(values))

    async def execute(self, on: _Executor, /, **values: Any) -> str:
        """Returns the server's word on it: ``UPDATE 3``."""
        return await on.execute(self.text, *self.arguments(values))

    async def executemany(self, on: _Executor, rows: Iterable[Mapping[str, Any]]) -> None:
        """Once for the values of each row, in one round."""
        await on.executemany(self.text, [self.arguments(row) for row in rows])

    def cursor(
        self, on: "Connection", /, *, prefetch: int | None = None, **values: Any
    ) -> "CursorFactory[asyncpg.Record]":
        """Rows as they are asked for, within a transaction."""
        return on.cursor(self.text, *self.arguments(values), prefetch=prefetch)


def joined(separator: str, parts: Iterable[Statement]) -> Statement:
    """The parts, with this text between them."""
    several = list(parts)
    return Statement(*several[:1], *(each for part in several[1:] for each in (separator, part)))


def statements(package: str) -> dict[str, Statement]:
    """The statements of a package's ``.sql`` files by file name without ``.sql``. Lines of comment are left out."""
    return {
        entry.name.removesuffix(".sql"): Statement(_COMMENT.sub("", entry.read_text(encoding="utf-8")))
        for entry in files(package).iterdir()
        if entry.name.endswith(".sql")
    }


def _shown(piece: _Piece) -> str:
    if isinstance(piece, str):
        return piece
    return "<value>" if isinstance(piece, _Bound) else f"<{piece.name}>"


def _of(pieces: Iterable[_Piece]) -> Statement:
    made = Statement()
    made._pieces = tuple(pieces)
    return made


def _pieces(part: str | Statement) -> tuple[_Piece, ...]:
    return part._pieces if isinstance(part, Statement) else tuple(_parsed(part))


def _parsed(text: str) -> Iterator[_Piece]:
    at = 0
    for hole in _HOLE.finditer(text):
        yield text[at : hole.start()]
        yield _Parameter(hole["value"]) if hole["value"] else _Part(hole["part"])
        at = hole.end()
    yield text[at:]
