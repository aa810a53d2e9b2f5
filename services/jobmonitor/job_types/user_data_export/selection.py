"""Which rows an export has: supporters, or everything they did; how many, and their keys in order.

The keys found in one snapshot are the frozen selection an export works through.
"""

from collections.abc import AsyncIterator, Callable
from typing import Any, NamedTuple

from jobmonitor.crm.supporter_query import SupporterQuery, select_supporters
from jobmonitor.database.pool import Connection
from jobmonitor.database.statement import Statement, statements

_SQL = statements("jobmonitor.job_types.user_data_export.sql")


class Selection(NamedTuple):
    """A kind of rows, chosen by a supporter query."""

    select: Callable[[SupporterQuery], Statement]
    """The statement that selects them."""
    in_order: Statement
    """The statement around it that gives the rows' keys in order."""


def _select_entries(query: SupporterQuery) -> Statement:
    return _SQL["select_entries"].fill(supporters=select_supporters(query))


SUPPORTERS = Selection(select_supporters, _SQL["supporters_in_order"])
"""Keys ``[supporter id]``, ordered by it."""

ENTRIES = Selection(_select_entries, _SQL["entries_in_order"])
"""Keys ``["a", activity id]`` and ``["t", transaction id]``, ordered by supporter, time, kind and id."""


async def count_rows(
    connection: Connection, selection: Selection, query: SupporterQuery, *, most: int | None = None
) -> int:
    """How many rows there are; the counting ends at ``most``."""
    counting = _SQL["count_selected"].fill(selection=selection.select(query))
    return int(await counting.fetchval(connection, most=most))


async def row_keys(
    connection: Connection, selection: Selection, query: SupporterQuery, *, batch: int
) -> AsyncIterator[list[list[Any]]]:
    """The rows' keys in order, ``batch`` at a time, the last time what is left. Needs a transaction (a cursor)."""
    cursor = await selection.in_order.fill(selection=selection.select(query)).cursor(connection)
    while rows := await cursor.fetch(batch):
        yield [list(row) for row in rows]
