"""The User Data Export on a real database: its examples by number, its formats, its edges."""

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from python_calamine import CalamineWorkbook

from jobmonitor.database.pool import account_transaction
from jobmonitor.job_types.protocol import Refused
from jobmonitor.job_types.user_data_export.job_type import UserDataExport
from jobmonitor.job_types.user_data_export.parameters import UserDataExportParameters
from support.crm import NOON, Crm
from support.run_job_type import Ran, context_of, run_job_type

EXPORT = UserDataExport()


def table(ran: Ran) -> list[list[str]]:
    """The CSV file's rows, headings first."""
    return list(csv.reader(io.StringIO(ran.text, newline="")))


def sheet(ran: Ran) -> list[list[str]]:
    """The workbook's rows, headings first."""
    rows = CalamineWorkbook.from_filelike(io.BytesIO(ran.content)).get_sheet_by_index(0).to_python()
    return [[str(cell) for cell in row] for row in rows]


async def export(crm: Crm, **parameters: Any) -> Ran:
    return await run_job_type(EXPORT, parameters, crm.pool, crm.account_id)


async def refusal(crm: Crm, **parameters: Any) -> Refused:
    """Why the request is refused, as the gateway asks before anybody submits."""
    params = msgspec.convert(parameters, UserDataExportParameters)
    async with account_transaction(crm.gateway_pool, crm.account_id) as connection:
        with pytest.raises(Refused) as refused:
            await EXPORT.check(params, context_of(connection))
    return refused.value


async def test_ex1_transaction_gives_a_row_per_activity_and_user_a_row_per_supporter(crm: Crm) -> None:
    await crm.fields("Email")
    ann, *_ = [await crm.supporter(f"{name}@example.org") for name in ("ann", "ben", "cem")]
    _, campaign = await crm.page("Save the river")
    for day in range(3):
        await crm.activity(ann, campaign, occurred_at=NOON + timedelta(days=day))
    await crm.gift(ann, campaign)

    transaction = await export(crm, format="transaction")
    user = await export(crm, format="user")

    assert len(table(transaction)) == 1 + 4
    assert transaction.rows == sum(transaction.units) == 4
    assert table(user) == [["Email"], ["ann@example.org"], ["ben@example.org"], ["cem@example.org"]]


async def test_ex2_an_export_group_gives_exactly_its_columns_in_its_order(crm: Crm) -> None:
    fields = await crm.fields("City", "First Name", "Email")
    await crm.supporter("ann@example.org", {fields["City"]: "Leeds", fields["First Name"]: "Ann"})
    group = await crm.group("Email, City", fields["Email"], fields["City"])

    ran = await export(crm, format="user", export_group_id=group)

    assert ran.content == b"\xef\xbb\xbfEmail,City\r\nann@example.org,Leeds\r\n"


@pytest.mark.parametrize("file_type", ["xls", "xlsx"])
async def test_ex3_one_row_too_many_for_excel_requires_csv(crm: Crm, file_type: str) -> None:
    await crm.fields("Email")
    await crm.supporters(65_536)

    refused = await refusal(crm, file_type=file_type)
    ran = await export(crm, file_type="csv")

    assert (refused.code, refused.parameter) == ("csv_required", "file_type")
    assert "CSV required" in str(refused)
    assert ran.text.count("\r\n") == 65_536 + 1
    assert ran.rows == 65_536


async def test_ex3_at_the_limit_the_workbook_is_written(crm: Crm) -> None:
    await crm.fields("Email")
    await crm.supporters(65_535)

    ran = await export(crm, file_type="xls")

    assert ran.extension == "xlsx"
    assert len(sheet(ran)) == 65_535 + 1


async def test_ex4_nobody_matches_gives_the_headings_only(crm: Crm) -> None:
    await crm.fields("Email", "City")
    await crm.supporter("ann@example.org")
    nobody = await crm.profile("Board members")

    ran = await export(crm, query={"profiles": [nobody]})

    assert ran.units == []
    assert ran.content == b"\xef\xbb\xbfEmail,City\r\n"


async def test_ex4_nobody_in_a_workbook_gives_the_headings_only(crm: Crm) -> None:
    await crm.fields("Email", "City")

    ran = await export(crm, file_type="xlsx")

    assert sheet(ran) == [["Email", "City"]]


async def test_ex5_hybrid_shows_where_a_supporter_was_active(crm: Crm) -> None:
    await crm.fields("Email")
    ann = await crm.supporter("ann@example.org")
    (first, campaign), (second, _) = await crm.page("P1"), await crm.page("P2")
    await crm.activity(ann, campaign)
    await crm.activity(ann, campaign)

    ran = await export(crm, format="hybrid", hybrid_pages=[first, second])

    assert table(ran) == [["Email", "P1", "P2"], ["ann@example.org", "Y", ""]]


async def test_hybrid_shows_gifts_and_answers_but_no_unconfirmed_yes(crm: Crm) -> None:
    await crm.fields("Email")
    ann, ben = await crm.supporter("ann@example.org"), await crm.supporter("ben@example.org")
    page, campaign = await crm.page("Give", "donation")
    await crm.gift(ann, campaign)
    await crm.gift(ben, campaign, removed_at=NOON)
    texts, source = await crm.question("Texts", "opt_in_confirm"), await crm.question("Source", "question")
    await crm.answer(ann, texts, "Y")
    await crm.answer(ben, texts, "Y", confirmed_at=NOON)
    await crm.answer(ben, source, "A friend, or two")

    ran = await export(crm, format="hybrid", hybrid_pages=[page], hybrid_questions=[source, texts])

    assert table(ran) == [
        ["Email", "Give", "Source", "Texts"],
        ["ann@example.org", "Y", "", ""],
        ["ben@example.org", "", "A friend, or two", "Y"],
    ]


async def test_the_transaction_format_has_the_columns_of_its_section_in_order(crm: Crm) -> None:
    fields = await crm.fields("Email", "City")
    ann = await crm.supporter("ann@example.org", {fields["City"]: "Leeds"})
    _, campaign = await crm.page("Save the river")
    await crm.activity(
        ann, campaign, data='["for the otters", null, "3"]', external_refs='["spring"]', status="success"
    )

    headings, row = table(await export(crm, format="transaction"))

    common = (
        "Account ID,Supporter ID,Supporter Email,Date Created,Date Modified,Campaign Number,Campaign Type,Campaign ID"
    )
    when = "Campaign Date,Campaign Time,Campaign Status"
    data = ",".join(f"Campaign Data {n}" for n in range(1, 21))
    external = ",".join(f"External Reference {n}" for n in range(1, 11))
    assert headings == f"{common},{when},{data},{external},Origin Source,Email,City".split(",")
    assert row == [
        *("1", str(ann), "ann@example.org", "2026-01-15", "2026-01-15", str(campaign), "PET", "Save the river"),
        *("2026-01-15", "12:00:00 EST", "success"),
        *("for the otters", "", "3", *[""] * 17),
        *("spring", *[""] * 9),
        *("page", "ann@example.org", "Leeds"),
    ]


async def test_days_and_times_are_those_of_the_accounts_zone_with_its_daylight_saving(crm: Crm) -> None:
    await crm.fields("Email")
    ann = await crm.supporter("ann@example.org")
    await crm.owner.execute("UPDATE crm.supporters SET created_at = '2026-02-01 04:30Z' WHERE id = $1", ann)
    await crm.activity(ann, occurred_at=datetime(2026, 7, 1, 3, 30, tzinfo=UTC))

    headings, row = table(await export(crm, format="transaction"))

    cells = dict(zip(headings, row, strict=True))
    assert cells["Date Created"] == "2026-01-31"
    assert (cells["Campaign Date"], cells["Campaign Time"]) == ("2026-06-30", "23:30:00 EDT")


async def test_gifts_show_amount_and_currency_with_its_own_decimals_and_refunds_the_gift_they_undo(crm: Crm) -> None:
    await crm.fields("Email")
    ann = await crm.supporter("ann@example.org")
    gift = await crm.gift(ann, amount=25, gateway="card", gateway_txn_id="ch_1")
    await crm.gift(ann, amount=500, currency="JPY", occurred_at=NOON + timedelta(hours=1))
    refund: dict[str, Any] = {
        "type": "PRFD",
        "status": "refund",
        "amount": -25,
        "refund_of": gift,
        "refund_kind": "marked",
    }
    await crm.gift(ann, **refund, occurred_at=NOON + timedelta(hours=2))

    headings, *rows = table(await export(crm, format="transaction"))

    number, gateway_id, amount, currency = (headings.index(f"Campaign Data {n}") for n in (1, 2, 4, 5))
    assert [[row[number], row[gateway_id], row[amount], row[currency]] for row in rows][0::2] == [
        [str(gift), "ch_1", "25.00", "USD"],
        [rows[2][number], "ch_1", "-25.00", "USD"],
    ]
    assert [rows[1][amount], rows[1][currency]] == ["500", "JPY"]
    assert {row[headings.index("Campaign Number")] for row in rows} == {"0"}


async def test_a_row_of_a_broadcast_carries_the_broadcasts_number_and_name(crm: Crm) -> None:
    await crm.fields("Email")
    ann = await crm.supporter("ann@example.org")
    broadcast = await crm.broadcast("Spring news", NOON)
    await crm.activity(ann, type_="EBC", status="R", email_campaign_id=broadcast, data='["open", "click"]')

    headings, row = table(await export(crm, format="transaction"))

    cells = dict(zip(headings, row, strict=True))
    assert [cells["Campaign Number"], cells["Campaign Type"], cells["Campaign ID"]] == [
        str(broadcast),
        "EBC",
        "Spring news",
    ]
    assert [cells["Campaign Status"], cells["Campaign Data 1"], cells["Campaign Data 2"]] == ["R", "open", "click"]


async def test_an_email_that_was_only_delivered_leaves_no_row(crm: Crm) -> None:
    await crm.fields("Email")
    ann = await crm.supporter("ann@example.org")
    await crm.delivery(await crm.broadcast("Spring news", NOON), ann, NOON)

    assert table(await export(crm, format="transaction"))[1:] == []


async def test_rows_are_ordered_by_supporter_then_time_then_kind(crm: Crm) -> None:
    await crm.fields("Email")
    ann, ben = await crm.supporter("ann@example.org"), await crm.supporter("ben@example.org")
    _, campaign = await crm.page("Page")
    await crm.activity(ben, campaign, occurred_at=NOON - timedelta(days=9))
    await crm.gift(ann, campaign)
    await crm.activity(ann, campaign, occurred_at=NOON + timedelta(seconds=1), type_="ETT")
    await crm.activity(ann, campaign)

    headings, *rows = table(await export(crm, format="transaction"))

    who, type_ = headings.index("Supporter ID"), headings.index("Campaign Type")
    expected = [(str(ann), "PET"), (str(ann), "FCS"), (str(ann), "ETT"), (str(ben), "PET")]
    assert [(row[who], row[type_]) for row in rows] == expected


async def test_a_gift_that_was_rolled_back_is_not_exported(crm: Crm) -> None:
    await crm.fields("Email")
    ann = await crm.supporter("ann@example.org")
    await crm.gift(ann, removed_at=NOON)

    assert (await export(crm, format="transaction")).rows == 0


async def test_awkward_values_survive_the_round_trip(crm: Crm) -> None:
    fields = await crm.fields("Email", "Notes")
    awkward = ['a, "b"; c', "line\nbreak", "win\r\nbreak", "ends with space ", "'quoted'", "中文 🎉", '"']
    for number, value in enumerate(awkward):
        await crm.supporter(f"{number}@example.org", {fields["Notes"]: value})

    in_csv = table(await export(crm, file_type="csv"))
    in_workbook = sheet(await export(crm, file_type="xlsx"))

    assert [row[1] for row in in_csv[1:]] == awkward
    assert [row[1] for row in in_workbook[1:]] == awkward


async def test_what_looks_like_a_formula_is_neutralised_in_csv_and_plain_text_in_a_workbook(crm: Crm) -> None:
    fields = await crm.fields("Email", "=Notes")
    values = ["=1+1", "@me", "+44 (0)20", "-5.00"]
    for number, value in enumerate(values):
        await crm.supporter(f"{number}@example.org", {fields["=Notes"]: value})

    in_csv = table(await export(crm, file_type="csv"))
    in_workbook = sheet(await export(crm, file_type="xlsx"))

    assert [row[1] for row in in_csv] == ["'=Notes", "'=1+1", "'@me", "'+44 (0)20", "-5.00"]
    assert [row[1] for row in in_workbook] == ["=Notes", *values]


async def test_suppressed_and_unsubscribed_supporters_are_exported(crm: Crm) -> None:
    await crm.fields("Email")
    ann = await crm.supporter("ann@example.org")
    await crm.answer(ann, await crm.question("E-mail updates"), "N")
    await crm.insert("suppressions", "address", address="ann@example.org", cause="hard", since=NOON)

    assert (await export(crm)).rows == 1


@pytest.mark.parametrize(
    ("parameters", "code", "parameter"),
    [
        ({"format": "hybrid"}, "hybrid_columns_required", "hybrid_pages"),
        ({"format": "user", "hybrid_questions": [1]}, "hybrid_only", "hybrid_questions"),
        ({"export_group_id": 99}, "unknown_export_group", "export_group_id"),
        ({"query": {"profiles": [99]}}, "unknown_profile", "query.profiles"),
        ({"query": {"pages": [99]}}, "unknown_page", "query.pages"),
        ({"query": {"questions": [{"question": 99}]}}, "unknown_question", "query.questions"),
        ({"query": {"broadcasts": [{"event": "opened", "broadcasts": [99]}]}}, "unknown_broadcast", "query.broadcasts"),
        ({"format": "hybrid", "hybrid_pages": [99]}, "unknown_page", "hybrid_pages"),
        ({"format": "hybrid", "hybrid_questions": [99]}, "unknown_question", "hybrid_questions"),
    ],
)
async def test_a_request_that_cannot_be_done_is_refused_with_its_parameter(
    crm: Crm, parameters: dict[str, Any], code: str, parameter: str
) -> None:
    refused = await refusal(crm, **parameters)

    assert (refused.code, refused.parameter) == (code, parameter)


async def test_another_accounts_things_do_not_exist(crm: Crm) -> None:
    other = await crm.other_account()
    profile = await other.profile("Theirs")

    assert (await refusal(crm, query={"profiles": [profile]})).code == "unknown_profile"


async def test_to_whom_a_broadcast_went_can_be_asked_for_a_year(crm: Crm) -> None:
    old = await crm.broadcast("Old news", datetime.now(UTC) - timedelta(days=367))

    refused = await refusal(crm, query={"broadcasts": [{"event": "sent", "broadcasts": [old]}]})

    assert (refused.code, refused.parameter) == ("sent_too_long_ago", "query.broadcasts")


async def test_the_preview_counts_supporters_or_rows(crm: Crm) -> None:
    await crm.fields("Email")
    ann, *_ = await crm.supporters(3)
    await crm.activity(ann)
    await crm.gift(ann)
    async with account_transaction(crm.gateway_pool, crm.account_id) as connection:
        user = UserDataExportParameters(format="user")
        transaction = UserDataExportParameters(format="transaction")

        assert (await EXPORT.count(user, context_of(connection)), EXPORT.unit_of(user)) == (3, "supporters")
        assert (await EXPORT.count(transaction, context_of(connection)), EXPORT.unit_of(transaction)) == (2, "rows")
