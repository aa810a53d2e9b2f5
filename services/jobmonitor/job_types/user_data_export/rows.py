"""What an export says about its supporters, read for a bounded number of them at a time.

Who was deleted since is missing from the answers. Callers read the supporters last: whoever is still there then was
there before, so nobody comes out half empty.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

import msgspec

from jobmonitor.crm.activity import active_in_campaigns
from jobmonitor.database.pool import Connection
from jobmonitor.database.statement import statements
from jobmonitor.job_types.user_data_export.layout import Layout

_SQL = statements("jobmonitor.job_types.user_data_export.sql")

EntryKey = tuple[str, int]
"""``a`` (activity) or ``t`` (transaction: money), and its id."""


class Supporter(msgspec.Struct, frozen=True, kw_only=True):
    """A supporter's record."""

    email: str
    created_at: datetime
    modified_at: datetime
    cells: list[str]
    """A value for each field of the layout, in its order; what is not known is empty."""


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One thing a supporter did, or one gift."""

    supporter_id: int
    campaign_number: int
    """Of the campaign or broadcast; 0 where neither belongs to it (vendor's rule)."""
    campaign_name: str
    type: str
    status: str
    occurred_at: datetime
    data: list[str]
    """Campaign Data 1, 2, …; their meaning depends on the type."""
    external_refs: list[str]
    source: str


async def read_supporters(connection: Connection, layout: Layout, ids: Sequence[int]) -> dict[int, Supporter]:
    """These supporters, as far as they still exist, under their ids."""
    field_ids = [field.id for field in layout.fields if not field.is_email]
    rows = await _SQL["supporters"].fetch(connection, supporters=ids, fields=field_ids)
    return {
        row["id"]: Supporter(
            email=row["email"],
            created_at=row["created_at"],
            modified_at=row["modified_at"],
            cells=_field_cells(layout, row["email"], dict(zip(row["fields"], row["texts"], strict=True))),
        )
        for row in rows
    }


def _field_cells(layout: Layout, email: str, values: dict[int, str]) -> list[str]:
    return [email if field.is_email else values.get(field.id, "") for field in layout.fields]


async def read_participation(connection: Connection, layout: Layout, ids: Sequence[int]) -> dict[int, list[str]]:
    """The hybrid format's own cells: ``Y`` for each page a supporter was active on, the answer to each question."""
    campaigns = [page.campaign_id for page in layout.pages]
    active_in = await active_in_campaigns(connection, ids, campaigns)
    answered = await _SQL["answers"].fetch(
        connection, supporters=ids, questions=[question.id for question in layout.questions]
    )
    answers = {(row["supporter_id"], row["question_id"]): row["value"] for row in answered}
    return {
        supporter_id: [
            *("Y" if page.campaign_id in active_in[supporter_id] else "" for page in layout.pages),
            *(answers.get((supporter_id, question.id), "") for question in layout.questions),
        ]
        for supporter_id in ids
    }


async def read_entries(connection: Connection, keys: Sequence[EntryKey]) -> dict[EntryKey, Entry]:
    """These activities and gifts under their keys, as far as they, and their supporters, still exist."""
    activities = [entry_id for kind, entry_id in keys if kind == "a"]
    gifts = [entry_id for kind, entry_id in keys if kind == "t"]
    return {
        **await _read_kind(connection, "a", activities),
        **await _read_kind(connection, "t", gifts),
    }


async def _read_kind(connection: Connection, kind: Literal["a", "t"], ids: list[int]) -> dict[EntryKey, Entry]:
    if not ids:
        return {}
    rows = await _SQL["activities" if kind == "a" else "transactions"].fetch(connection, ids=ids)
    return {(kind, row["id"]): _entry(row) for row in rows}


def _entry(row: Any) -> Entry:
    return Entry(
        supporter_id=row["supporter_id"],
        campaign_number=row["campaign_number"],
        campaign_name=row["campaign_name"],
        type=row["type"],
        status=row["status"],
        occurred_at=row["occurred_at"],
        data=_texts(row["data"]),
        external_refs=_texts(row["external_refs"]),
        source=row["source"],
    )


def _texts(values: list[Any]) -> list[str]:
    return ["" if value is None else str(value) for value in values]
