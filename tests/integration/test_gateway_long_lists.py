"""Lists of accounts with very many jobs: what a page costs, how far a search looks, where counting ends."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest

from jobmonitor.crm.permissions import PERMISSIONS
from jobmonitor.crm.users import Viewer, load_viewer
from jobmonitor.gateway.adapters.database import Database as GatewayDatabase
from jobmonitor.gateway.jobs.lists import COUNTED_AT_MOST, SEARCHED_AT_MOST, ListQuery, page_of
from support.gateway import ADMIN, NOON, SUPER, USER, RunningGateway
from support.servers import Database

MONTHS = 5
MANY = """
INSERT INTO projection.job_{view} (
    job_id, number, account_id, owner_id, job_type, reference, state, sequence, submitted_at, done, total, rejected,
    updated_at, month
)
SELECT gen_random_uuid(), $2::bigint + n, 1, $3, 'user-data-export', 'Ordinary ' || n, $4, 1,
       $5::timestamptz - n * interval '1 min', 0, 0, 0, $5::timestamptz, make_date(2025, 1 + n % $6::int, 1)
FROM generate_series(1, $1::int) AS n
"""


async def _put_many(
    gateway: RunningGateway, jobs: int, view: str = "history", *, owner_id: int = USER, state: str = "completed"
) -> None:
    """So many jobs with Job#s from 1,000,001, the newest first, a minute apart; in the history over five months."""
    for month in range(1, MONTHS + 1):
        await gateway.owner.execute("SELECT registry.add_month('projection', make_date(2025, $1, 1))", month)
    first = 1_000_000 if view == "history" else 2_000_000
    await gateway.owner.execute(MANY.format(view=view), jobs, first, owner_id, state, NOON, MONTHS)
    await gateway.owner.execute(f"ANALYZE projection.job_{view}")


async def _page(client: httpx2.AsyncClient, query: str) -> dict[str, Any]:
    response = await client.get(f"/api/v1/jobs?{query}")
    assert response.status_code == 200, response.text
    page: dict[str, Any] = response.json()
    return page


async def _all_pages(client: httpx2.AsyncClient, query: str) -> list[dict[str, Any]]:
    pages = [await _page(client, query)]
    while pages[-1]["next"] is not None:
        pages.append(await _page(client, f"{query}&after={pages[-1]['next']}"))
    return pages


def _numbers(jobs: list[dict[str, Any]]) -> list[int]:
    return [job["number"] for job in jobs]


async def test_a_search_looks_at_a_bounded_number_of_jobs_and_says_how_far_back(gateway: RunningGateway) -> None:
    await _put_many(gateway, 2 * SEARCHED_AT_MOST + 500)
    old = NOON - timedelta(minutes=SEARCHED_AT_MOST + 200, seconds=30)
    await gateway.put_job("history", number=77_001, reference="The Needle of spring", submitted_at=old)
    client = await gateway.logged_in(USER)

    pages = await _all_pages(client, "view=history&q=needle")

    assert [_numbers(page["items"]) for page in pages] == [[], [77_001], []]
    assert [page["further_back"] for page in pages] == [[], [], []]
    looked_to = NOON - timedelta(minutes=SEARCHED_AT_MOST)
    assert datetime.fromisoformat(pages[0]["searched_back_to"]) == looked_to
    assert pages[-1]["searched_back_to"] is None


@pytest.mark.parametrize("sought", ["THE NEEDLE OF SPRING", "77001", "%2377001"])
async def test_a_whole_name_or_a_number_is_found_however_old(gateway: RunningGateway, sought: str) -> None:
    await _put_many(gateway, SEARCHED_AT_MOST + 500)
    very_old = NOON - timedelta(days=1000)
    await gateway.put_job("history", number=77_001, reference="The Needle of spring", submitted_at=very_old)
    await gateway.put_job("history", number=77_002, reference="The Needle of spring", owner_id=ADMIN)
    client = await gateway.logged_in(USER)

    pages = await _all_pages(client, f"view=history&q={sought}")

    assert _numbers(pages[0]["further_back"]) == [77_001]
    assert [_numbers(page["items"]) for page in pages] == [[], [77_001]], "and once in its place"


async def test_all_that_fits_is_found_once_whatever_the_sizes_of_pages(gateway: RunningGateway) -> None:
    await _put_many(gateway, SEARCHED_AT_MOST + 300)
    client = await gateway.logged_in(SUPER)

    pages = await _all_pages(client, "view=history&q=ordinary+7&limit=40")

    fitting = [1_000_000 + n for n in range(1, SEARCHED_AT_MOST + 301) if str(n).startswith("7")]
    assert [number for page in pages for number in _numbers(page["items"])] == fitting


async def test_the_history_by_type_person_and_time(gateway: RunningGateway) -> None:
    await gateway.put_job("history", number=1, job_type="user-data-import", submitted_at=NOON)
    await gateway.put_job("history", number=2, owner_id=SUPER, submitted_at=NOON + timedelta(hours=1))
    await gateway.put_job("history", number=3, submitted_at=NOON + timedelta(hours=2))
    user, super_admin = await gateway.logged_in(USER), await gateway.logged_in(SUPER)
    since, until = "since=2026-01-15T18:00:00Z", "until=2026-01-15T14:00:00-05:00"

    async def found(client: httpx2.AsyncClient, query: str) -> list[int]:
        return _numbers((await _page(client, f"view=history&{query}"))["items"])

    for client in (user, super_admin):
        assert await found(client, "type=user-data-import") == [1]
        assert await found(client, f"type=user-data-import&{since}") == []
    assert await found(super_admin, f"owner={USER}") == [3, 1]
    assert await found(super_admin, f"owner={USER}&type=user-data-export") == [3]
    assert await found(super_admin, since) == [3, 2]
    assert await found(super_admin, until) == [2, 1]
    assert await found(super_admin, f"{since}&{until}") == [2]
    assert await found(super_admin, f"{until}&limit=1") == [2]
    assert await found(super_admin, "state=running") == []
    assert await found(user, f"owner={SUPER}") == [], "nobody sees more by asking for it"


async def test_a_page_of_moments_follows_the_one_before(gateway: RunningGateway) -> None:
    await _put_many(gateway, 10)
    client = await gateway.logged_in(USER)

    pages = await _all_pages(client, "view=history&until=2026-01-15T16:55:00Z&since=2026-01-15T16:51:00Z&limit=3")

    assert [_numbers(page["items"]) for page in pages] == [[1_000_006, 1_000_007, 1_000_008], [1_000_009]]


async def test_counting_ends_at_a_thousand_and_comes_with_first_pages_only(gateway: RunningGateway) -> None:
    await _put_many(gateway, COUNTED_AT_MOST + 5, "monitor", state="queued")
    await gateway.put_job(state="scheduled", run_at=datetime.now(UTC) + timedelta(days=1))
    client = await gateway.logged_in(USER)

    first, history = await _page(client, "limit=10"), await _page(client, "view=history")
    second = await _page(client, f"limit=10&after={first['next']}")

    assert first["counts"] == {"all": 1000, "running": 1000, "scheduled": 1, "ready": 0}
    assert history["counts"] == first["counts"], "of the monitor, whatever is listed: the page's header shows them"
    assert second["counts"] is None


class Explaining(GatewayDatabase):
    """Runs every query of viewers under EXPLAIN ANALYZE too, by the plan they get, and adds up what its scans read."""

    rows_read = 0

    @asynccontextmanager
    async def as_viewer(self, viewer: Viewer, **options: Any) -> AsyncIterator[Any]:
        async with super().as_viewer(viewer, **options) as connection:
            yield Explained(connection, self)


class Explained:
    """One of its connections."""

    def __init__(self, connection: Any, told: Explaining) -> None:
        self._connection = connection
        self._told = told

    async def fetch(self, text: str, *arguments: Any) -> Any:
        await self._connection.execute(f"PREPARE explained AS {text}")
        execute = f"EXECUTE explained ({', '.join(_literal(value) for value in arguments)})"
        explained = await self._connection.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) {execute}")
        await self._connection.execute("DEALLOCATE explained")
        self._told.rows_read += _rows_read(json.loads(explained)[0]["Plan"])
        return await self._connection.fetch(text, *arguments)


def _literal(value: Any) -> str:
    if value is None:
        return "NULL"
    return f"'{{{','.join(value)}}}'" if isinstance(value, list) else f"'{value}'"


def _rows_read(plan: Mapping[str, Any]) -> int:
    """Rows the scans of the two views took from their tables or bitmaps, those they dropped again included."""
    rows = 0
    scanned = plan.get("Relation Name") or plan.get("Index Name") or ""
    if scanned.startswith("job_") and "Scan" in plan["Node Type"]:
        dropped = sum(value for name, value in plan.items() if name.startswith("Rows Removed by"))
        rows = round((plan["Actual Rows"] + dropped) * plan["Actual Loops"])
    return rows + sum(_rows_read(each) for each in plan.get("Plans", ()))


EVERYTHING: dict[str, tuple[int, dict[str, Any], int]] = {
    "the first page": (SUPER, {}, 60),
    "a deep page": (SUPER, {"until": NOON - timedelta(minutes=9_000)}, 60),
    "somebody's own, who has nearly all": (USER, {}, 60),
    "somebody's own, who has few": (ADMIN, {}, 60),
    "of a person": (SUPER, {"owner_id": USER}, 60),
    "of a type": (SUPER, {"job_type": "user-data-export"}, 60),
    "of a type there is not": (SUPER, {"job_type": "none"}, 10),
    "a search": (SUPER, {"q": "no such name"}, SEARCHED_AT_MOST + 20),
    "a search of somebody with many": (USER, {"q": "no such name"}, SEARCHED_AT_MOST + 20),
}


@pytest.fixture
async def explaining(database: Database) -> AsyncIterator[Explaining]:
    opened = Explaining(database.url("jobmonitor_gateway"), size=1)
    yield opened
    await opened.close()


async def test_no_page_reads_more_jobs_than_it_shows_or_may_look_at(
    gateway: RunningGateway, explaining: Explaining, subtests: pytest.Subtests
) -> None:
    """In partitions of thousands, where reading everything and sorting it would be noticed."""
    await _put_many(gateway, 12_000)
    for number in range(20):
        await gateway.put_job("history", number=300 + number, owner_id=ADMIN, notify=False)
    await gateway.owner.execute("VACUUM ANALYZE projection.job_history")
    for name, (user_id, wanted, at_most) in EVERYTHING.items():
        with subtests.test(name):
            async with explaining.connection() as connection:
                viewer = await load_viewer(connection, 1, user_id, PERMISSIONS)
            assert viewer is not None
            explaining.rows_read = 0

            page = await page_of(explaining, viewer, ListQuery(view="history", limit=50, **wanted), {})

            assert len(page.items) <= explaining.rows_read <= at_most


@pytest.mark.parametrize(("user_id", "wanted"), [(ADMIN, {}), (SUPER, {"owner_id": ADMIN})], ids=["own", "of a person"])
async def test_a_name_of_many_others_jobs_is_looked_for_among_ones_own_only(
    gateway: RunningGateway, explaining: Explaining, user_id: int, wanted: dict[str, Any]
) -> None:
    await _put_many(gateway, 12_000)
    await gateway.owner.execute("UPDATE projection.job_history SET reference = 'Weekly'")
    await gateway.owner.execute(
        "UPDATE projection.job_history SET owner_id = $1, reference = 'Own ' || number WHERE number / 5 % 5 = 0", ADMIN
    )
    await gateway.owner.execute("VACUUM ANALYZE projection.job_history")
    async with explaining.connection() as connection:
        viewer = await load_viewer(connection, 1, user_id, PERMISSIONS)
    assert viewer is not None

    page = await page_of(explaining, viewer, ListQuery(view="history", limit=50, q="weekly", **wanted), {})
    rows_read = explaining.rows_read
    oldest = await page_of(explaining, viewer, ListQuery(view="history", limit=50, q="own 1012000", **wanted), {})

    assert (page.items, page.further_back) == ([], [])
    assert SEARCHED_AT_MOST <= rows_read <= SEARCHED_AT_MOST + 20
    assert [job.number for job in oldest.further_back] == [1_012_000]
