"""Pages of the monitor and the history, newest first. What one costs does not depend on how many jobs there are.

Indexes answer who looks, the type and the time. For all else a bounded number of jobs is looked through, and the next
page goes on from there.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, TypeAlias

import asyncpg
import msgspec

from jobmonitor.contract.events import Instant
from jobmonitor.crm.users import Viewer
from jobmonitor.database.pool import Connection
from jobmonitor.gateway.access.job_types import JobTypesBySlug
from jobmonitor.gateway.access.policy import owner_seen
from jobmonitor.gateway.adapters.database import Database
from jobmonitor.gateway.http.problems import FieldError, Problem
from jobmonitor.gateway.jobs import models
from jobmonitor.gateway.jobs.items import item
from jobmonitor.gateway.jobs.reading import NUMBER_AT_MOST, SQL, readable
from jobmonitor.gateway.jobs.records import View, job_record

SEARCHED_AT_MOST = 1000
"""Jobs that one request of a search looks at."""
COUNTED_AT_MOST = 1000
FURTHER_BACK_AT_MOST = 10

Rows: TypeAlias = list[asyncpg.Record]
Filter = Literal["all", "running", "scheduled", "ready"]


class Position(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, order=True):
    """A position in the order of the lists. Stays right while jobs come and go above it."""

    sort_at: Instant
    number: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]

    def encode(self) -> str:
        return base64.urlsafe_b64encode(msgspec.json.encode(self)).decode().rstrip("=")

    @classmethod
    def decode(cls, text: str) -> "Position":
        """Raises Problem 422."""
        try:
            position = msgspec.json.decode(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), type=cls)
            position.sort_at.astimezone(UTC)
        except (ValueError, OverflowError) as error:
            errors = [FieldError(field="after", detail="This is not the `next` of a page.")]
            raise Problem(422, "`after` is not the `next` of a page.", code="invalid", errors=errors) from error
        return position


TOP = Position(datetime.max.replace(tzinfo=UTC), NUMBER_AT_MOST)
BOTTOM = datetime.min.replace(tzinfo=UTC)
"""The driver takes these two for ``infinity`` and ``-infinity``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListQuery:
    """Which page of which list."""

    view: View
    limit: int
    after: Position | None = None
    """Where the page before ended; None for the first."""
    state: Filter = "all"
    q: str = ""
    """Searched for; empty for no search."""
    job_type: str | None = None
    owner_id: int | None = None
    since: datetime | None = None
    until: datetime | None = None
    """Before this moment."""

    @property
    def below(self) -> Position:
        """All jobs of the page are below this position."""
        start = self.after or TOP
        return start if self.until is None else min(start, Position(self.until, 0))


async def page_of(database: Database, viewer: Viewer, query: ListQuery, job_types: JobTypesBySlug) -> models.JobList:
    """The page, and on the first one the monitor's counts."""
    async with database.as_viewer(viewer, snapshot=True, in_index_order=True) as connection:
        page = await _Lists(connection, viewer, query, job_types).page()
        counts = None if query.after else await _counts(connection, viewer)
    return msgspec.structs.replace(page, counts=counts)


async def _counts(connection: Connection, viewer: Viewer) -> models.Counts:
    owner_id = owner_seen(viewer)
    values = {"account_id": viewer.account_id, "owner_id": owner_id, "at_most": COUNTED_AT_MOST}
    (row,) = await _fetch(connection, "count_jobs", "monitor", _owner_filter(owner_id), values)
    return models.Counts(**dict(row))


def _owner_filter(owner_id: int | None, *conditions: str) -> str:
    """The conditions that exactly one index answers, in the order of the lists: see migration 0009."""
    if owner_id is not None:
        conditions = ("j.owner_id = :owner_id", *conditions)
    return " AND ".join(("j.account_id = :account_id", *(conditions or ("j.number > 0",))))


_STATES_BY_INDEX: Mapping[str, str] = {
    "running": "j.state IN ('queued', 'running', 'stopping')",
    "scheduled": "j.state = 'scheduled'",
}
"""Of the monitor; the history has no such jobs."""


class _Lists:
    """The statements of one request."""

    def __init__(self, connection: Connection, viewer: Viewer, query: ListQuery, job_types: JobTypesBySlug) -> None:
        self._connection = connection
        self._query = query
        self._job_types = job_types
        self._only_seen = owner_seen(viewer)
        self._owner_id = owner_id = query.owner_id if self._only_seen is None else self._only_seen
        self._type_by_index = query.job_type is not None and query.view == "history" and owner_id is None
        self._narrowed = query.state == "ready" or (query.job_type is not None and not self._type_by_index)
        by_type = ("j.job_type = :job_type",) if self._type_by_index else ()
        by_state = (_STATES_BY_INDEX[query.state],) if query.state in _STATES_BY_INDEX else ()
        self._owner_filter = _owner_filter(owner_id, *by_type, *by_state)
        self._values: dict[str, Any] = {
            "account_id": viewer.account_id,
            "owner_id": owner_id,
            "job_type": query.job_type,
            "below_at": query.below.sort_at,
            "below_number": query.below.number,
            "since": query.since or BOTTOM,
            "limit": query.limit + 1,
        }

    async def page(self) -> models.JobList:
        query = self._query
        if query.view == "history" and query.state in _STATES_BY_INDEX:
            return self._answer([])
        if self._only_seen is not None and query.owner_id not in (None, self._only_seen):
            return self._answer([])
        if query.q or self._narrowed:
            return await self._search()
        return self._answer(await self._fetch("list_jobs"))

    async def _search(self) -> models.JobList:
        reference_like, number_like, slugs = _patterns(self._query.q, self._job_types)
        rows = await self._fetch(
            "search_jobs",
            looked_at=SEARCHED_AT_MOST,
            ready=self._query.state == "ready",
            reference_like=reference_like,
            number_like=number_like,
            slugs=slugs,
        )
        last = Position(rows[0]["last_sort_at"], rows[0]["last_number"]) if rows[0]["last_number"] is not None else None
        answer = self._answer([row for row in rows if row["job_id"] is not None])
        if last is None or answer.next is not None:
            return answer
        further_back = await self._find_exactly(last) if self._query.after is None else []
        return msgspec.structs.replace(
            answer, next=last.encode(), searched_back_to=last.sort_at, further_back=further_back
        )

    async def _find_exactly(self, below: Position) -> list[models.Item]:
        """Jobs of any age whose reference or Job# is exactly what was searched for."""
        query = self._query
        if not query.q or query.state != "all":
            return []
        values = {
            "below_at": below.sort_at,
            "below_number": below.number,
            "limit": FURTHER_BACK_AT_MOST,
            "called": query.q,
            "number": _as_number(query.q.removeprefix("#")),
        }
        owner_filter = "j.account_id = :account_id" + ("" if self._owner_id is None else " AND j.owner_id = :owner_id")
        found = await _fetch(self._connection, "find_exactly", query.view, owner_filter, {**self._values, **values})
        return self._items(found)

    async def _fetch(self, name: str, **values: Any) -> Rows:
        return await _fetch(self._connection, name, self._query.view, self._owner_filter, {**self._values, **values})

    def _answer(self, rows: Rows) -> models.JobList:
        """``rows`` holds one row more than the page if there is a next page."""
        limit = self._query.limit
        last = rows[limit - 1] if len(rows) > limit else None
        return models.JobList(
            items=self._items(rows[:limit]),
            next=Position(last["sort_at"], last["number"]).encode() if last else None,
        )

    def _items(self, rows: Rows) -> list[models.Item]:
        now = datetime.now(UTC)
        return list(readable(lambda row: item(job_record(dict(row)), self._job_types, now), rows))


async def _fetch(connection: Connection, name: str, view: View, owner_filter: str, values: Mapping[str, Any]) -> Rows:
    """Each combination of conditions is a statement with a plan of its own."""
    return await SQL[name].fill(view=view, owner_filter=owner_filter).fetch(connection, **values)


def _as_number(text: str) -> int | None:
    """The Job# that was typed; None if the text is not one."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 18 else None


def _patterns(sought: str, job_types: JobTypesBySlug) -> tuple[str | None, str | None, list[str]]:
    """Patterns for the reference and the Job#, and the types whose name matches; all empty without a search."""
    if not sought:
        return None, None, []
    escaped = sought.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_")
    number = sought.removeprefix("#")
    slugs = [slug for slug, job_type in job_types.items() if sought.casefold() in job_type.title.casefold()]
    return f"%{escaped}%", f"{number}%" if number.isdecimal() else None, slugs
