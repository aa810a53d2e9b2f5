"""Which rows an export has: supporters, or everything they did; how many, and their keys in order.

The keys found in one snapshot are the frozen selection an export works through.
"""

from collections.abc import AsyncIterator, Callable
from typing import Any, NamedTuple

from jobmonitor.crm.binding import bind
from jobmonitor.crm.supporter_query import SupporterQuery, select_supporters
from jobmonitor.database.pool import Connection
from jobmonitor.database.sql import statements

_SQL = statements("jobmonitor.job_types.user_data_export.sql")


class Selection(NamedTuple):
    """A kind of rows, chosen by a supporter query."""

    select: Callable[[SupporterQuery, list[Any]], str]
    """The statement that selects them; its values are appended to the list."""
    in_order: str
    """The statement around it that gives the rows' keys in order."""


def _select_entries(query: SupporterQuery, arguments: list[Any]) -> str:
    return _SQL["select_entries"].replace("{supporters}", select_supporters(query, arguments))


SUPPORTERS = Selection(select_supporters, _SQL["supporters_in_order"])
"""Keys ``[supporter id]``, ordered by it."""

ENTRIES = Selection(_select_entries, _SQL["entries_in_order"])
"""Keys ``["a", activity id]`` and ``["t", transaction id]``, ordered by supporter, time, kind and id."""


async def count_rows(
    connection: Connection, selection: Selection, query: SupporterQuery, *, most: int | None = None
) -> int:
    """How many rows there are; the counting ends at ``most``."""
    arguments: list[Any] = []
    text = bind(_SQL["count_selected"], arguments, most=most)
    count = await connection.fetchval(text.replace("{selection}", selection.select(query, arguments)), *arguments)
    return int(count)


async def row_keys(
    connection: Connection, selection: Selection, query: SupporterQuery, *, batch: int
) -> AsyncIterator[list[list[Any]]]:
    """The rows' keys in order, ``batch`` at a time, the last time what is left. Needs a transaction (a cursor)."""
    arguments: list[Any] = []
    text = selection.in_order.replace("{selection}", selection.select(query, arguments))
    cursor = await connection.cursor(text, *arguments)
    while rows := await cursor.fetch(batch):
        yield [list(row) for row in rows]
