"""Domain rule 3.10: a user export in CSV, imported by its headings, leaves every row unchanged."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from jobmonitor.crm import demo
from jobmonitor.database.pool import open_pool
from jobmonitor.job_types.registry import permissions
from jobmonitor.job_types.user_data_export.job_type import UserDataExport
from jobmonitor.job_types.user_data_import.job_type import UserDataImport
from support.crm import Crm
from support.engine import open_engine
from support.import_engine import import_engine
from support.imports import Imports, PlainImports
from support.run_job_type import run_job_type
from support.servers import Database

FIELDS = ("Email", "City", "=Total", '\' Notes, "long" ', "Größe")
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)
NASTY = st.sampled_from(
    [
        *("=1+1", "'=1+1", "''=1+1", "@x", "'@x", "+1 555", "+1", "-1", "--", "\t", "\r", "\n", "'\r\n", " ", "  x  "),
        *("'", "''", '"', '""', ",", ";", "a,b", 'a"b', "x\r\ny\nz\r", "\\N", "\ufeff", "\u2028", "\x1f", "\x85"),
        *("é", "e\u0301", "中文", "🎉", "#N/A", "TRUE", "007", "2026-01-02"),
    ]
)
VALUES = st.lists(TEXTS | NASTY, min_size=len(FIELDS) - 1, max_size=len(FIELDS) - 1)
ADDRESSES = st.sampled_from(
    [
        *("a@x.org", "Ann.O'Brien@Example.ORG", "+plus@x.org", "=formula@x.org", "-minus@x.org", "'+quoted@x.org"),
        *("'quoted@x.org", "e6f0@noaddress.ea", "größe@bücher.example", "no-address", "two words@x.org"),
    ]
)
"""Also such as no import would take. No two of them differ by a ``'`` only: exports show them the same."""
PEOPLE = st.dictionaries(ADDRESSES, VALUES, min_size=1)
TABLES = ("supporters", "supporter_values", "answers", "activities", "transactions", "suppressions")


async def dump(owner: Any) -> dict[str, list[str]]:
    """Every row of what an import could change."""
    return {
        table: [row["line"] for row in await owner.fetch(f"SELECT t::text AS line FROM crm.{table} AS t ORDER BY 1")]
        for table in TABLES
    }


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(PEOPLE)
@example({"'+quoted@x.org": ["'=1+1"] * 4, "+plus@x.org": ["=1+1"] * 4})
def test_whatever_the_supporters_hold_nothing_changes(
    plain_imports: PlainImports, fields: list[int], people: dict[str, list[str]]
) -> None:
    plain_imports.run(assert_unchanged(plain_imports.imports, fields, people))


@pytest.fixture
def fields(plain_imports: PlainImports) -> list[int]:
    """Awkwardly named ones, without the e-mail address."""
    return list(plain_imports.run(plain_imports.imports.crm.fields(*FIELDS)).values())[1:]


async def assert_unchanged(imports: Imports, fields: list[int], people: dict[str, list[str]]) -> None:
    await imports.crm.owner.execute("DELETE FROM crm.supporters")
    for address, texts in people.items():
        await imports.crm.supporter(address, dict(zip(fields, texts, strict=True)))
    before = await dump(imports.crm.owner)

    exported = await run_job_type(UserDataExport(), {}, imports.crm.pool)
    ran = await imports.run(exported.content)

    assert ran.outcomes == {"unchanged": len(people)}
    assert await dump(imports.crm.owner) == before


@pytest.fixture
async def demo_account(database: Database) -> AsyncIterator[Crm]:
    """The demo's first account with its 5,000 supporters."""
    await demo.fill(database.owner_url, demo.SUPPORTERS, permissions())
    owner = await asyncpg.connect(database.superuser_url)
    pool = await open_pool(database.url("jobmonitor_worker"), size=2, application_name="test")
    yield Crm(owner, pool, pool)
    await pool.close()
    await owner.close()


async def test_all_of_the_demo_goes_out_and_in_through_the_engine_and_nothing_changes(
    demo_account: Crm, database: Database, kafka: Any, tmp_path: Path
) -> None:
    before = await dump(demo_account.owner)
    exported = await run_job_type(UserDataExport(), {}, demo_account.pool)
    async with open_engine(database, kafka, tmp_path) as engine:
        importing = await import_engine(engine, demo_account, UserDataImport())

        job_id = await importing.submit(exported.content)
        await importing.run_to_end(job_id)

        completed = await importing.completed(job_id)
    assert completed.outcomes == {"unchanged": demo.SUPPORTERS}
    assert completed.rejected == 0
    assert await dump(demo_account.owner) == before
