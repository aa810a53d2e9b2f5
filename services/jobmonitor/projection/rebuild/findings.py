"""What a rebuild found: how many rows differ, and some of them column by column."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import msgspec

from jobmonitor.database.pool import Connection
from jobmonitor.projection.rebuild.tables import SQL

TABLES = {"job_monitor": "job_id", "job_history": "job_id", "job_timeline": "job_id, type, slot"}
"""What is compared, and by which columns the rows of the two sides belong together."""
EXAMPLES = 10


@dataclass(frozen=True)
class TableFindings:
    """Rows of one table, by how they differ."""

    table: str
    missing: int
    """Made by the replay, and not in the live table."""
    surplus: int
    """In the live table, and not made by the replay."""
    different: int


@dataclass(frozen=True)
class Example:
    """One row that differs."""

    table: str
    number: int | None
    job_id: UUID
    columns: tuple[tuple[str, Any, Any], ...]
    """Name, live value, rebuilt value. Empty where a whole row is missing on one side."""
    only_live: bool
    only_rebuilt: bool


@dataclass(frozen=True)
class Findings:
    """What the replay made of the log, beside the live tables at the same offsets."""

    messages: int
    """Replayed."""
    unusable: int
    """Of them undecodable or in contradiction with their job; the dead letters have them already."""
    carried_over: int
    """Jobs taken from the live tables, because the log no longer says everything about them."""
    tables: Sequence[TableFindings]
    """Those that differ."""
    examples: Sequence[Example]

    @property
    def rows(self) -> int:
        """How many differ in all."""
        return sum(table.missing + table.surplus + table.different for table in self.tables)


async def compare(connection: Connection, jobs: Sequence[UUID] | None = None) -> None:
    """Note what differs, of these jobs, or of all. What was noted of them before is forgotten."""
    if jobs is None:
        await connection.execute("DROP TABLE IF EXISTS pg_temp.differences")
        await SQL["differences_table"].execute(connection)
    else:
        await SQL["forget_differences"].execute(connection, job_ids=jobs)
    for table, key in TABLES.items():
        await SQL["compare"].fill(table=table, key=key).execute(connection, job_ids=jobs)


async def tables_that_differ(connection: Connection) -> list[TableFindings]:
    rows = await SQL["count_differences"].fetch(connection)
    return [TableFindings(row["table_name"], row["missing"], row["surplus"], row["different"]) for row in rows]


async def examples(connection: Connection) -> list[Example]:
    """Some of the rows noted."""
    return [_example(dict(row)) for row in await SQL["examples"].fetch(connection, limit=EXAMPLES)]


def _example(row: dict[str, Any]) -> Example:
    live, rebuilt = (row[side] and msgspec.json.decode(row[side]) for side in ("live", "rebuilt"))
    columns = [(name, live[name], rebuilt[name]) for name in live] if live and rebuilt else []
    return Example(
        table=row["table_name"],
        number=row["number"],
        job_id=row["job_id"],
        columns=tuple((name, one, other) for name, one, other in columns if one != other),
        only_live=rebuilt is None,
        only_rebuilt=live is None,
    )


def in_words(findings: Findings) -> Iterator[str]:
    """The findings for whoever started the rebuild, line by line."""
    yield f"{findings.messages:,} messages replayed, {findings.unusable:,} of them unusable (see the dead letters)."
    if findings.carried_over:
        yield (
            f"{findings.carried_over:,} jobs are kept as they are: the log no longer has all their events. "
            "What the log does not say of them could not be verified."
        )
    if not findings.tables:
        yield "The live tables are what the log says: no row differs."
        return
    for table in findings.tables:
        parts = (
            (table.different, "differ"),
            (table.missing, "are missing in the live table"),
            (table.surplus, "are only in the live table"),
        )
        yield f"{table.table}: {', '.join(f'{count:,} rows {what}' for count, what in parts if count)}."
    yield from map(_words, findings.examples)
    if findings.rows > len(findings.examples):
        yield f"  ... and {findings.rows - len(findings.examples):,} more rows."


def _words(example: Example) -> str:
    name = f"job {example.number or example.job_id} in {example.table}"
    if example.only_live:
        return f"  {name}: only in the live table"
    if example.only_rebuilt:
        return f"  {name}: missing in the live table"
    values = (f"{column} is {_text(live)}, rebuilt {_text(rebuilt)}" for column, live, rebuilt in example.columns)
    return f"  {name}: {'; '.join(values) or 'the same values in other bytes'}"


def _text(value: Any) -> str:
    return "empty" if value is None else msgspec.json.encode(value).decode()
