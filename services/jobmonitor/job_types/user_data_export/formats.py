"""The formats of the User Data Export: which rows each has, in which order, and how they are read.

The vendor's three: ``transaction`` has a row for everything a supporter did, ``user`` a row per supporter, ``hybrid``
the same with a column for each page and question chosen.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Literal, NamedTuple

from jobmonitor.database.pool import Connection
from jobmonitor.job_types.user_data_export.columns import (
    hybrid_headings,
    transaction_cells,
    transaction_headings,
    user_headings,
)
from jobmonitor.job_types.user_data_export.layout import Layout
from jobmonitor.job_types.user_data_export.rows import read_entries, read_participation, read_supporters
from jobmonitor.job_types.user_data_export.selection import ENTRIES, SUPPORTERS, Selection

FormatName = Literal["transaction", "user", "hybrid"]
Rows = list[list[str]]


class Format(NamedTuple):
    """One format."""

    unit: str
    """What its rows are, in the plural."""
    headings: Callable[[Layout], list[str]]
    selection: Selection
    """Which rows it has. Their keys, as the cursor gives them, name them for good."""
    read: Callable[[Connection, Layout, list[Any]], Awaitable[Rows]]
    """The rows of these keys in their order; those that are gone are missing."""


async def _read_user(connection: Connection, layout: Layout, keys: list[list[int]]) -> Rows:
    supporters = await read_supporters(connection, layout, [key for (key,) in keys])
    return [supporters[key].cells for (key,) in keys if key in supporters]


async def _read_hybrid(connection: Connection, layout: Layout, keys: list[list[int]]) -> Rows:
    ids = [key for (key,) in keys]
    participation = await read_participation(connection, layout, ids)
    supporters = await read_supporters(connection, layout, ids)
    return [supporters[key].cells + participation[key] for key in ids if key in supporters]


async def _read_transaction(connection: Connection, layout: Layout, keys: list[list[Any]]) -> Rows:
    entries = await read_entries(connection, [(kind, entry_id) for kind, entry_id in keys])
    supporters = await read_supporters(connection, layout, list({entry.supporter_id for entry in entries.values()}))
    present = (entry for kind, entry_id in keys if (entry := entries.get((kind, entry_id))) is not None)
    return [
        transaction_cells(layout, supporter, entry)
        for entry in present
        if (supporter := supporters.get(entry.supporter_id)) is not None
    ]


FORMATS: dict[FormatName, Format] = {
    "transaction": Format(
        unit="rows",
        headings=transaction_headings,
        selection=ENTRIES,
        read=_read_transaction,
    ),
    "user": Format(
        unit="supporters",
        headings=user_headings,
        selection=SUPPORTERS,
        read=_read_user,
    ),
    "hybrid": Format(
        unit="supporters",
        headings=hybrid_headings,
        selection=SUPPORTERS,
        read=_read_hybrid,
    ),
}
