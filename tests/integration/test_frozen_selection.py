"""The selection of an export is frozen when it is planned, whatever happens to the CRM while its chunks run."""

import csv
import io

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobmonitor.job_types.user_data_export.job_type import UserDataExport
from support.crm import NOON, Crm
from support.run_job_type import run_job_type

PAIRS = UserDataExport(chunk_rows_max=2, chunk_rows_min=2)


def column(text: str, heading: str) -> list[str]:
    headings, *rows = csv.reader(io.StringIO(text, newline=""))
    return [row[headings.index(heading)] for row in rows]


async def test_supporters_who_come_while_it_runs_are_not_in_it_and_the_deleted_are_counted(crm: Crm) -> None:
    await crm.fields("Email")
    supporters = await crm.supporters(7)

    async def meddle(position: int) -> None:
        await crm.supporter(f"new{position}@example.org")
        if position == 1:
            await crm.delete_supporter(supporters[0])  # exported already
            await crm.delete_supporter(supporters[4])  # still to come

    ran = await run_job_type(PAIRS, {}, crm.pool, before_chunk=meddle)

    assert column(ran.text, "Email") == [f"s{n}@example.org" for n in (1, 2, 3, 4, 6, 7)]
    assert ran.outcomes == {"exported": 6, "deleted": 1}
    assert sum(ran.units) == 7


async def test_rows_added_or_gone_while_a_transaction_export_runs_change_nothing_else(crm: Crm) -> None:
    await crm.fields("Email")
    ann, ben = await crm.supporter("ann@example.org"), await crm.supporter("ben@example.org")
    kept = [await crm.activity(ann, data=f'["{n}"]') for n in range(4)]
    gift, rolled_back = await crm.gift(ben), await crm.gift(ben)

    async def meddle(position: int) -> None:
        await crm.activity(ann, data='["late"]', occurred_at=NOON.replace(year=2020))
        if position == 1:
            await crm.owner.execute("DELETE FROM crm.activities WHERE id = $1", kept[3])
            await crm.owner.execute("UPDATE crm.transactions SET removed_at = now() WHERE id = $1", rolled_back)

    ran = await run_job_type(PAIRS, {"format": "transaction"}, crm.pool, before_chunk=meddle)

    assert column(ran.text, "Campaign Data 1") == ["0", "1", "2", str(gift)]
    assert ran.outcomes == {"exported": 4, "deleted": 2}


async def test_a_supporter_deleted_while_a_transaction_export_runs_disappears_with_all_rows(crm: Crm) -> None:
    await crm.fields("Email")
    ann, ben = await crm.supporter("ann@example.org"), await crm.supporter("ben@example.org")
    for who in (ann, ben):
        await crm.activity(who)
        await crm.gift(who)

    async def meddle(position: int) -> None:
        if position == 1:
            await crm.delete_supporter(ben)

    ran = await run_job_type(PAIRS, {"format": "transaction"}, crm.pool, before_chunk=meddle)

    assert column(ran.text, "Supporter Email") == ["ann@example.org"] * 2
    assert ran.outcomes == {"exported": 2, "deleted": 2}


async def test_fields_renamed_moved_or_removed_while_it_runs_shift_no_column(crm: Crm) -> None:
    fields = await crm.fields("Email", "City", "Town")
    for number in range(6):
        values = {fields["City"]: f"city {number}", fields["Town"]: f"town {number}"}
        await crm.supporter(f"{number}@example.org", values)

    async def meddle(position: int) -> None:
        if position == 1:
            await crm.owner.execute("UPDATE crm.ads_fields SET name = 'Renamed', position = 9 WHERE name = 'Town'")
            await crm.owner.execute("DELETE FROM crm.ads_fields WHERE name = 'City'")

    ran = await run_job_type(PAIRS, {}, crm.pool, before_chunk=meddle)

    assert column(ran.text, "Town") == [f"town {number}" for number in range(6)]
    assert column(ran.text, "City") == ["city 0", "city 1", "", "", "", ""]


async def test_a_small_export_is_cut_finely_so_that_its_bar_moves_and_a_large_one_boundedly(crm: Crm) -> None:
    await crm.fields("Email")
    export = UserDataExport(chunk_rows_max=300, chunk_rows_min=10, chunks_aimed_at=5)

    async def units(supporters: int) -> list[int]:
        await crm.owner.execute("DELETE FROM crm.supporters")
        await crm.supporters(supporters)
        return (await run_job_type(export, {}, crm.pool)).units

    assert await units(15) == [10, 5]
    assert await units(100) == [20] * 5
    assert await units(2_000) == [300] * 6 + [200]


@pytest.fixture
async def busy_crm(crm: Crm) -> Crm:
    """Two dozen supporters who did this and that."""
    fields = await crm.fields("Email", "Notes")
    page, campaign = await crm.page("River")
    assert page
    for number in range(24):
        who = await crm.supporter(f"{number}@example.org", {fields["Notes"]: f"=note, {number}\n"})
        for _ in range(number % 4):
            await crm.activity(who, campaign)
        if number % 3 == 0:
            await crm.gift(who, campaign)
    return crm


@pytest.mark.parametrize("format_", ["user", "transaction", "hybrid"])
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(size=st.integers(1, 60), seed=st.none() | st.integers(0, 999))
async def test_any_chunk_size_order_and_repetition_give_the_same_file(
    busy_crm: Crm, format_: str, size: int, seed: int | None
) -> None:
    page = await busy_crm.owner.fetchval("SELECT id FROM crm.pages")
    parameters = {"format": format_, "hybrid_pages": [page] if format_ == "hybrid" else []}
    whole = await run_job_type(UserDataExport(), parameters, busy_crm.pool)

    cut = UserDataExport(chunk_rows_max=size, chunk_rows_min=size)
    ran = await run_job_type(cut, parameters, busy_crm.pool, seed=seed)

    assert ran.content == whole.content
    assert sum(ran.units) == ran.outcomes["exported"] == ran.rows == whole.rows > 0
    assert max(ran.units) <= size
