"""What an export's columns are made of: the supporter fields, and the pages and questions of the hybrid format.

A layout is read once, when the job is planned, and travels with every piece of the work: a field renamed, moved or
removed meanwhile cannot shift a column.
"""

from collections.abc import Iterable, Sequence

import msgspec

from jobmonitor.database.pool import Connection
from jobmonitor.database.statement import statements

_SQL = statements("jobmonitor.job_types.user_data_export.sql")


class LayoutField(msgspec.Struct, frozen=True, array_like=True):
    """A supporter field as a column."""

    id: int
    name: str
    is_email: bool
    """The field tagged e-mail: its value is the supporter's address itself."""


class LayoutPage(msgspec.Struct, frozen=True, array_like=True):
    """A page as a column."""

    id: int
    name: str
    campaign_id: int


class LayoutQuestion(msgspec.Struct, frozen=True, array_like=True):
    """A question or opt-in as a column."""

    id: int
    name: str


class Layout(msgspec.Struct, frozen=True, kw_only=True):
    """The columns in their order, and what is the same in every row."""

    account_id: int
    zone: str
    """The account's display zone (IANA): dates and times are written in it."""
    fields: list[LayoutField]
    pages: list[LayoutPage] = []
    questions: list[LayoutQuestion] = []


async def read_layout(
    connection: Connection, *, export_group_id: int | None, pages: Sequence[int] = (), questions: Sequence[int] = ()
) -> Layout:
    """The fields of the export group in its order, or all fields of the account; pages and questions as given.

    What does not exist is left out: whether it does is for ``unknown_references`` to say. Raises LookupError: the
    transaction sees no account.
    """
    account = await _SQL["account"].fetchrow(connection)
    if account is None:
        raise LookupError("This transaction sees no account.")
    fields = await _SQL["fields"].fetch(connection, export_group_id=export_group_id)
    page_rows = await _SQL["pages"].fetch(connection, pages=_unique(pages))
    question_rows = await _SQL["questions"].fetch(connection, questions=_unique(questions))
    return Layout(
        account_id=account["id"],
        zone=account["display_tz"],
        fields=[LayoutField(*row) for row in fields],
        pages=[LayoutPage(*row) for row in page_rows],
        questions=[LayoutQuestion(*row) for row in question_rows],
    )


def _unique(ids: Iterable[int]) -> list[int]:
    return list(dict.fromkeys(ids))
