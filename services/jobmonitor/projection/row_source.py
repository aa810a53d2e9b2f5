"""Rows on their way into PostgreSQL: as arrays where they are few, by COPY into a temporary table where they are many.

A statement has a part for them, ``{points}``, and is the same for both ways; so is therefore what it does.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import repeat
from types import NoneType, UnionType
from typing import Any, get_args, get_origin
from uuid import UUID

import msgspec

from jobmonitor.database.pool import Connection

FEW = 500
"""Up to so many rows arrays are quicker (measured); beyond, they are held in memory more often."""

LOOK_UP_AND_SORT_IN_MEMORY = (
    "SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off; SET LOCAL work_mem = '64MB'"
)
"""PostgreSQL knows little of the rows in a temporary table, and would read the whole monitor to join it with a part."""

PROGRESS_COLUMNS: Mapping[str, str] = {
    "job_id": "uuid",
    "slot": "bigint",
    "newest": "boolean",
    "event_id": "text",
    "account_id": "bigint",
    "owner_id": "bigint",
    "job_type": "text",
    "at": "timestamptz",
    "sequence": "int",
    "done": "bigint",
    "total": "bigint",
}
"""Of plain progress: what the monitor and the timeline need of it."""

_SQL_TYPES: Mapping[type, str] = {
    UUID: "uuid",
    str: "text",
    bool: "boolean",
    int: "bigint",
    datetime: "timestamptz",
    date: "date",
    dict: "jsonb",
    msgspec.Struct: "jsonb",
}
"""For values of these types and of those that are derived from them."""


def columns_of(row_type: type[msgspec.Struct]) -> dict[str, str]:
    """The columns for such rows: their fields, with PostgreSQL's types. Raises TypeError where none is known."""
    return {field.name: _sql_type(field) for field in msgspec.structs.fields(row_type)}


def _sql_type(field: msgspec.structs.FieldInfo) -> str:
    kinds = get_args(field.type) if isinstance(field.type, UnionType) else (field.type,)
    names = {_sql_type_of(kind) for kind in kinds if kind is not NoneType}
    match list(names):
        case [str(name)]:
            return name
    raise TypeError(f"No type of PostgreSQL is known for the field {field.name}: {field.type}.")


def _sql_type_of(kind: Any) -> str | None:
    bases = getattr(get_origin(kind) or kind, "__mro__", ())
    return next((_SQL_TYPES[base] for base in bases if base in _SQL_TYPES), None)


@dataclass(frozen=True)
class RowSource:
    """Where the rows are, for the statements of one transaction."""

    text: str
    """What stands in the statement: the name of a table, or arrays that are unnested."""
    values: Mapping[str, Any]
    """The values the text asks for; none where the rows are in a table."""


async def send(
    connection: Connection, name: str, columns: Mapping[str, str], rows: Sequence[Sequence[Any]], *, few: int
) -> RowSource:
    """Bring the rows to the server; up to ``few`` of them travel with each statement instead."""
    if len(rows) <= few:
        arrays = ", ".join(f":{column}::{kind}[]" for column, kind in columns.items())
        text = f"(SELECT * FROM unnest({arrays}) AS row ({', '.join(columns)}))"  # noqa: S608 - all of it is ours
        by_column = zip(*rows, strict=True) if rows else repeat(())
        return RowSource(text, dict(zip(columns, by_column, strict=False)))
    table = f"arrived_{name}"
    fields = ", ".join(f"{column} {kind}" for column, kind in columns.items())
    # kept for the connection's next transactions, which find it empty
    create = f"CREATE TEMPORARY TABLE IF NOT EXISTS {table} ({fields}) ON COMMIT DELETE ROWS"
    await connection.execute(f"{LOOK_UP_AND_SORT_IN_MEMORY}; {create}")
    await connection.copy_records_to_table(table, records=rows, columns=list(columns))
    return RowSource(table, {})
