"""What an import finds in the CRM and what it changes there, for a bounded number of rows at a time.

All of it happens inside the caller's transaction. Supporters that were found stay locked until its end.
"""

from collections.abc import Iterator, Mapping, Sequence
from uuid import UUID

import msgspec

from jobmonitor.crm.activity import active_in_campaigns
from jobmonitor.database.pool import Connection
from jobmonitor.database.statement import statements
from jobmonitor.runtime.failures import Temporary

_SQL = statements("jobmonitor.job_types.user_data_import.sql")


class SupporterAddedMeanwhile(Temporary):
    """Somebody else added a supporter between this import's look and its writing. Trying again sees them."""


class StoredAnswer(msgspec.Struct, frozen=True):
    """An answer and the way it came: ``page`` (the supporter's own), ``import`` or ``api``."""

    value: str
    source: str


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """A supporter as far as an import's columns go."""

    id: int | None = None
    """None: created by an earlier row of the same piece of work."""
    values: dict[int, str] = {}
    """Of the asked fields, under the field's id."""
    answers: dict[int, StoredAnswer] = {}
    """To the asked questions, under the question's id."""
    campaigns: frozenset[int] = frozenset()
    """Those asked for in which they took part."""
    first_row: int | None = None
    """The row of the file that named them first; None: no row before this one."""


class SupporterChanges(msgspec.Struct, kw_only=True):
    """What is to be written. ``key`` is a supporter's address in lower case."""

    created: list[str] = []
    """Keys, in the order their supporters are to be added."""
    values: dict[tuple[str, int], str] = {}
    """Under key and field."""
    answers: dict[tuple[str, int], str] = {}
    """Under key and question."""
    participations: dict[tuple[str, int], str] = {}
    """The activity's type, under key and campaign."""


class RowOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one row."""

    row_no: int
    outcome: str
    key: str | None
    """Whom it was about; None where it was refused."""
    code: str = ""
    message: str = ""


async def find_known(
    connection: Connection,
    job_id: UUID,
    addresses: Sequence[str],
    *,
    fields: Sequence[int],
    questions: Sequence[int],
    campaigns: Sequence[int],
) -> tuple[dict[str, str], dict[str, Known]]:
    """``{address: key}`` of all addresses, and ``{key: supporter}`` of those that are known."""
    rows = await _SQL["find_supporters"].fetch(connection, addresses=list(dict.fromkeys(addresses)))
    ids = {row["id"]: row["key"] for row in rows if row["id"] is not None}
    values: dict[int, dict[int, str]] = {supporter_id: {} for supporter_id in ids}
    for row in await _SQL["stored_values"].fetch(connection, supporters=list(ids), fields=fields):
        values[row["supporter_id"]][row["field_id"]] = row["value"]
    answers: dict[int, dict[int, StoredAnswer]] = {supporter_id: {} for supporter_id in ids}
    for row in await _SQL["stored_answers"].fetch(connection, supporters=list(ids), questions=questions):
        answers[row["supporter_id"]][row["question_id"]] = StoredAnswer(row["value"], row["source"])
    active = await active_in_campaigns(connection, list(ids), campaigns)
    first_rows = {
        row["supporter_id"]: row["row_no"]
        for row in await _SQL["first_rows"].fetch(connection, job_id=job_id, supporters=list(ids))
    }
    return {row["address"]: row["key"] for row in rows}, {
        key: Known(
            id=supporter_id,
            values=values[supporter_id],
            answers=answers[supporter_id],
            campaigns=frozenset(active[supporter_id]),
            first_row=first_rows.get(supporter_id),
        )
        for supporter_id, key in ids.items()
    }


async def write_changes(
    connection: Connection, account_id: int, job_id: UUID, changes: SupporterChanges, known: Mapping[str, int]
) -> dict[str, int]:
    """Write them; returns ``{key: supporter id}`` of the known and the created. Raises SupporterAddedMeanwhile."""
    ids = dict(known)
    if changes.created:
        added = await _SQL["add_supporters"].fetch(connection, account_id=account_id, addresses=changes.created)
        ids |= {row["email_key"]: row["id"] for row in added}
        if len(added) != len(changes.created):
            raise SupporterAddedMeanwhile("A supporter of this file was added by somebody else at the same moment.")
    for supporters, fields, values in _columns(changes.values, ids):
        await _SQL["set_values"].execute(
            connection, account_id=account_id, supporters=supporters, fields=fields, values=values
        )
    for supporters, questions, answers in _columns(changes.answers, ids):
        await _SQL["set_answers"].execute(
            connection, account_id=account_id, supporters=supporters, questions=questions, answers=answers
        )
    for supporters, campaigns, types in _columns(changes.participations, ids):
        await _SQL["add_participations"].execute(
            connection,
            account_id=account_id,
            job_id=job_id,
            supporters=supporters,
            campaigns=campaigns,
            types=types,
        )
    changed = {key for each in (changes.values, changes.answers, changes.participations) for key, _ in each}
    if touched := [known[key] for key in changed if key in known]:
        await _SQL["touch_supporters"].execute(connection, supporters=touched)
    return ids


def _columns(
    new: Mapping[tuple[str, int], str], ids: Mapping[str, int]
) -> Iterator[tuple[list[int], list[int], list[str]]]:
    """Supporters, what is theirs, and how: once, or not at all where there is nothing new."""
    if new:
        yield [ids[key] for key, _ in new], [target for _, target in new], list(new.values())


async def record_rows(
    connection: Connection, account_id: int, job_id: UUID, rows: Sequence[RowOutcome], ids: Mapping[str, int]
) -> None:
    """Keep what became of each row. Raises asyncpg.UniqueViolationError: one of them was recorded before."""
    await _SQL["record_rows"].execute(
        connection,
        account_id=account_id,
        job_id=job_id,
        row_nos=[row.row_no for row in rows],
        outcomes=[row.outcome for row in rows],
        supporters=[None if row.key is None else ids[row.key] for row in rows],
        codes=[row.code for row in rows],
        messages=[row.message for row in rows],
    )


async def row_totals(connection: Connection, job_id: UUID) -> dict[str, int]:
    """``{outcome: rows}`` of everything the job recorded so far."""
    return {row["outcome"]: row["rows"] for row in await _SQL["row_totals"].fetch(connection, job_id=job_id)}


async def currency_decimals(connection: Connection) -> dict[str, int]:
    """``{ISO code: decimals}``."""
    return {row["code"]: row["exponent"] for row in await _SQL["currencies"].fetch(connection)}
