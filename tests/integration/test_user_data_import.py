"""The User Data Import on a real database: its examples by number, its rules and edges, the round trip."""

import io

import msgspec
import pytest
import xlsxwriter

from jobmonitor.database.pool import account_transaction
from jobmonitor.job_types.files.tables import FILE_BYTES_MAX
from jobmonitor.job_types.protocol import Refused
from jobmonitor.job_types.user_data_import.parameters import UserDataImportParameters
from jobmonitor.job_types.user_data_import.store import row_totals
from jobmonitor.runtime.objects import ObjectStore
from support.crm import NOON, Crm
from support.imports import Imports, outcomes, report
from support.run_job_type import context_of


async def count(crm: Crm, table: str) -> int:
    return int(await crm.owner.fetchval(f"SELECT count(*) FROM crm.{table}"))


async def test_ex1_add_and_update_updates_who_exists_and_creates_the_others(imports: Imports) -> None:
    city = (await imports.crm.fields("Email", "City"))["City"]
    await imports.crm.supporter("a@x.org", {city: "Leeds"})

    ran = await imports.run("Email,City\r\na@x.org,York\r\nb@x.org,Bath\r\n")

    assert outcomes(ran) == [("a@x.org", "updated"), ("b@x.org", "created")]
    assert ran.outcomes == {"updated": 1, "created": 1}
    assert await imports.supporters() == {"a@x.org": {"City": "York"}, "b@x.org": {"City": "Bath"}}


async def test_ex1_only_create_ignores_who_exists(imports: Imports) -> None:
    city = (await imports.crm.fields("Email", "City"))["City"]
    await imports.crm.supporter("a@x.org", {city: "Leeds"})

    ran = await imports.run("Email,City\r\na@x.org,York\r\nb@x.org,Bath\r\n", mode="only_create")

    assert outcomes(ran) == [("a@x.org", "ignored_existing"), ("b@x.org", "created")]
    assert await imports.supporters() == {"a@x.org": {"City": "Leeds"}, "b@x.org": {"City": "Bath"}}


async def test_ex2_a_bad_row_is_reported_and_the_others_are_imported(imports: Imports) -> None:
    await imports.crm.fields("Email")

    ran = await imports.run("Email\r\na@x.org\r\nnot-an-email\r\nb@x.org\r\n")

    assert outcomes(ran) == [("a@x.org", "created"), ("not-an-email", "error"), ("b@x.org", "created")]
    bad = report(ran)[1]
    assert (bad["Row"], bad["Supporter ID"], bad["Code"]) == ("3", "", "bad_email")
    assert ran.rejected == 1
    assert list(await imports.supporters()) == ["a@x.org", "b@x.org"]


async def test_ex3_a_windows_1252_file_is_refused_and_nothing_is_written(imports: Imports) -> None:
    await imports.crm.fields("Email", "City")
    content = "Email,City\r\na@x.org,Orléans\r\n".encode("windows-1252")
    upload = await imports.upload(content)

    refused = await imports.refusal(upload=str(upload))
    with pytest.raises(Refused, match="UTF-8"):
        await imports.run(content)

    assert refused.code == "not_utf8"
    assert f"offset {content.index(0xE9)}" in str(refused)
    assert await count(imports.crm, "supporters") == await count(imports.crm, "import_rows") == 0


async def test_ex4_one_byte_above_20_mib_is_refused(imports: Imports) -> None:
    await imports.crm.fields("Email")
    content = b"Email\r\n" + b"a" * (FILE_BYTES_MAX - 7)

    refused = await imports.refusal(upload=str(await imports.upload(content + b"a")))

    assert refused.code == "too_large"
    assert outcomes(await imports.run(content)) == [("a" * 500, "error")]


async def test_ex5_an_address_in_other_letters_is_the_same_supporter(imports: Imports) -> None:
    await imports.crm.fields("Email")

    ran = await imports.run("Email\r\n A@X.org \r\na@x.org\r\n")

    assert outcomes(ran) == [("A@X.org", "created"), ("a@x.org", "duplicate_in_file")]
    assert list(await imports.supporters()) == ["a@x.org"]


@pytest.mark.parametrize("chunk_rows", [1, 2, 500])
async def test_of_an_address_twice_in_the_file_later_texts_count_and_empty_cells_leave_earlier_ones(
    crm: Crm, chunk_rows: int
) -> None:
    imports = Imports(crm, ObjectStore("memory://"), chunk_rows=chunk_rows)
    await crm.fields("Email", "City", "Region")

    ran = await imports.run("Email,City,Region\r\na@x.org,Leeds,North\r\nb@x.org,,\r\na@x.org,York,\r\nA@x.org,,\r\n")

    assert [outcome for _, outcome in outcomes(ran)] == [
        *("created", "created", "duplicate_in_file", "duplicate_in_file")
    ]
    assert report(ran)[3]["Message"] == "The same address as in row 2."
    assert len({row["Supporter ID"] for row in report(ran)}) == 2
    assert (await imports.supporters())["a@x.org"] == {"City": "York", "Region": "North"}


@pytest.mark.parametrize("chunk_rows", [1, 500])
async def test_only_create_ignores_the_second_of_two_with_one_address(crm: Crm, chunk_rows: int) -> None:
    imports = Imports(crm, ObjectStore("memory://"), chunk_rows=chunk_rows)
    await crm.fields("Email", "City")

    ran = await imports.run("Email,City\r\na@x.org,Leeds\r\na@x.org,York\r\n", mode="only_create")

    assert outcomes(ran) == [("a@x.org", "created"), ("a@x.org", "ignored_existing")]
    assert await imports.supporters() == {"a@x.org": {"City": "Leeds"}}


async def test_a_refused_row_is_no_first_row_of_its_address(row_by_row: Imports) -> None:
    await row_by_row.crm.fields("Email")
    await row_by_row.crm.question("News")

    ran = await row_by_row.run("Email,News\r\na@x.org,yes\r\na@x.org,Y\r\n")

    assert outcomes(ran) == [("a@x.org", "error"), ("a@x.org", "created")]


async def test_an_empty_cell_leaves_what_is_stored_and_backslash_n_is_a_text(imports: Imports) -> None:
    fields = await imports.crm.fields("Email", "City", "Region")
    await imports.crm.supporter("a@x.org", {fields["City"]: "Leeds", fields["Region"]: "North"})

    ran = await imports.run("Email,City,Region\r\na@x.org,,\\N\r\n")

    assert ran.outcomes == {"updated": 1}
    assert await imports.supporters() == {"a@x.org": {"City": "Leeds", "Region": "\\N"}}


async def test_a_row_that_says_what_is_stored_changes_nothing_not_even_the_date(imports: Imports) -> None:
    city = (await imports.crm.fields("Email", "City"))["City"]
    for address in ("a@x.org", "b@x.org"):
        await imports.crm.supporter(address, {city: "Leeds"})

    ran = await imports.run("Email,City\r\na@x.org,Leeds\r\nb@x.org,York\r\n")

    changed = await imports.crm.owner.fetch("SELECT email::text FROM crm.supporters WHERE modified_at > $1", NOON)
    assert ran.outcomes == {"unchanged": 1, "updated": 1}
    assert [row["email"] for row in changed] == ["b@x.org"]


async def test_values_and_answers_leave_no_activity(imports: Imports) -> None:
    await imports.crm.fields("Email", "City")
    await imports.crm.question("News")
    await imports.crm.question("Source", "question")

    await imports.run("Email,City,News,Source\r\na@x.org,Leeds,Y,A friend\r\n")

    assert await imports.supporters() == {"a@x.org": {"City": "Leeds", "News": "Y", "Source": "A friend"}}
    sources = await imports.crm.owner.fetch("SELECT DISTINCT source FROM crm.answers")
    assert [row["source"] for row in sources] == ["import"]
    assert await count(imports.crm, "activities") == await count(imports.crm, "transactions") == 0


async def test_a_page_for_all_and_a_column_for_some_record_who_took_part(imports: Imports) -> None:
    await imports.crm.fields("Email")
    tagged, on_tagged = await imports.crm.page("River", "petition", status="live")
    _, on_walk = await imports.crm.page("Walk", "event", status="live")

    ran = await imports.run("Email,Walk\r\na@x.org,P\r\nb@x.org,\r\n", page=tagged)

    rows = await imports.crm.owner.fetch(
        "SELECT email::text, campaign_id, type, source, job_id IS NOT NULL AS has_job FROM crm.activities "
        "JOIN crm.supporters ON supporters.id = supporter_id ORDER BY activities.id"
    )
    assert ran.outcomes == {"created": 2}
    assert [tuple(row) for row in rows] == [
        ("a@x.org", on_tagged, "PET", "import", True),
        ("a@x.org", on_walk, "EVT", "import", True),
        ("b@x.org", on_tagged, "PET", "import", True),
    ]


async def test_who_took_part_already_does_not_do_so_again(row_by_row: Imports) -> None:
    imports = row_by_row
    await imports.crm.fields("Email")
    page, campaign = await imports.crm.page("River", status="live")
    await imports.crm.activity(await imports.crm.supporter("a@x.org"), campaign)

    first = await imports.run("Email\r\na@x.org\r\nb@x.org\r\nb@x.org\r\n", page=page)
    again = await imports.run("Email\r\na@x.org\r\nb@x.org\r\n", page=page)

    assert [outcome for _, outcome in outcomes(first)] == ["unchanged", "created", "duplicate_in_file"]
    assert again.outcomes == {"unchanged": 2}
    assert await count(imports.crm, "activities") == 2


async def test_a_yes_lifts_no_suppression(imports: Imports) -> None:
    await imports.crm.fields("Email")
    await imports.crm.question("News")
    await imports.crm.supporter("a@x.org")
    await imports.crm.insert("suppressions", "address", address="a@x.org", cause="spam", since=NOON)

    ran = await imports.run("Email,News\r\na@x.org,Y\r\n")

    assert ran.outcomes == {"updated": 1}
    assert await imports.crm.owner.fetchval("SELECT count(*) FROM crm.suppressions WHERE lifted_at IS NULL") == 1


async def test_who_unsubscribed_stays_so_and_the_row_says_it(imports: Imports) -> None:
    city = (await imports.crm.fields("Email", "City"))["City"]
    news = await imports.crm.question("News")
    for address, source in (("a@x.org", "page"), ("b@x.org", "import"), ("c@x.org", "api")):
        await imports.crm.answer(await imports.crm.supporter(address, {city: "Leeds"}), news, "N", source=source)

    ran = await imports.run("Email,News,City\r\na@x.org,Y,York\r\nb@x.org,Y,\r\nc@x.org,Y,\r\na@x.org,Y,\r\n")

    rows = report(ran)
    assert [row["Outcome"] for row in rows] == ["updated", "updated", "updated", "duplicate_in_file"]
    assert [row["Code"] for row in rows] == ["kept_unsubscribed", "", "", "kept_unsubscribed"]
    assert "News" in rows[0]["Message"]
    assert ran.rejected == 0
    assert [each["News"] for each in (await imports.supporters()).values()] == ["N", "Y", "Y"]


async def test_resubscribe_counts_more_than_an_unsubscription(imports: Imports) -> None:
    await imports.crm.fields("Email")
    ann, news = await imports.crm.supporter("a@x.org"), await imports.crm.question("News")
    await imports.crm.answer(ann, news, "N", source="page")

    ran = await imports.run("Email,News\r\na@x.org,Y\r\n", resubscribe=True)

    assert ran.outcomes == {"updated": 1}
    assert await imports.supporters() == {"a@x.org": {"News": "Y"}}


async def test_an_imported_yes_is_not_confirmed_and_one_that_was_stays_so(imports: Imports) -> None:
    await imports.crm.fields("Email")
    ann, texts = await imports.crm.supporter("a@x.org"), await imports.crm.question("Texts", "opt_in_confirm")
    await imports.crm.answer(ann, texts, "Y", confirmed_at=NOON)

    ran = await imports.run("Email,Texts\r\na@x.org,Y\r\nb@x.org,Y\r\n")

    confirmed = await imports.crm.owner.fetch("SELECT confirmed_at FROM crm.answers ORDER BY supporter_id")
    assert ran.outcomes == {"unchanged": 1, "created": 1}
    assert [row["confirmed_at"] for row in confirmed] == [NOON, None]


async def test_a_saved_format_says_what_the_columns_mean_and_the_mode(imports: Imports) -> None:
    city = (await imports.crm.fields("Email", "City"))["City"]
    await imports.crm.supporter("a@x.org", {city: "Leeds"})
    columns = [{"header": "Mail", "to": "email"}, {"header": "Town", "to": "field", "id": city}]
    saved = await imports.crm.insert(
        "import_formats", name="Event", columns=msgspec.json.encode(columns).decode(), mode="only_create"
    )

    ran = await imports.run("Mail,Town\r\na@x.org,York\r\nb@x.org,York\r\n", format_id=saved)
    overruled = await imports.run("Mail,Town\r\na@x.org,Bath\r\n", format_id=saved, mode="add_and_update")
    refused = await imports.refusal(upload=str(await imports.upload("Mail,Town,Zip\r\n")), format_id=saved)

    assert ran.outcomes == {"ignored_existing": 1, "created": 1}
    assert overruled.outcomes == {"updated": 1}
    assert (refused.code, refused.parameter) == ("format_mismatch", "format_id")


async def test_only_the_first_sheet_of_a_workbook_is_imported(imports: Imports) -> None:
    file = io.BytesIO()
    book = xlsxwriter.Workbook(file, {"strings_to_formulas": False})
    for address in ("a@x.org", "b@x.org"):
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["Email", "Postcode", "Notes"])
        sheet.write_row(1, 0, [address, "02108", "'=1+1"])
    book.close()
    await imports.crm.fields("Email", "Postcode", "Notes")

    ran = await imports.run(file.getvalue(), "people.xlsx")

    assert ran.outcomes == {"created": 1}
    assert await imports.supporters() == {"a@x.org": {"Postcode": "02108", "Notes": "'=1+1"}}


async def test_the_highest_previous_contribution_comes_with_its_currency(imports: Imports) -> None:
    await imports.crm.insert("ads_fields", name="Email", tag="email", position=1)
    await imports.crm.insert("ads_fields", name="HPC Amount", tag="hpc_amount", position=2)
    await imports.crm.insert("ads_fields", name="HPC Currency", tag="hpc_currency", position=3)
    lines = ["a@x.org,25.50,USD", "b@x.org,100.50,JPY", "c@x.org,5,Pounds", "d@x.org,12;50,EUR", "e@x.org,1000,JPY"]

    ran = await imports.run("Email,HPC Amount,HPC Currency\r\n" + "\r\n".join(lines))

    assert [row["Code"] for row in report(ran)] == ["", "bad_amount", "bad_currency", "bad_amount", ""]
    assert await imports.supporters() == {
        "a@x.org": {"HPC Amount": "25.50", "HPC Currency": "USD"},
        "e@x.org": {"HPC Amount": "1000", "HPC Currency": "JPY"},
    }


async def test_a_file_without_rows_gives_a_report_without_rows(imports: Imports) -> None:
    await imports.crm.fields("Email")

    ran = await imports.run("Email\r\n")

    assert ran.units == []
    assert ran.content == b"\xef\xbb\xbfRow,Email,Outcome,Supporter ID,Code,Message\r\n"


async def test_the_preview_counts_data_rows_and_small_files_are_small(imports: Imports) -> None:
    await imports.crm.fields("Email")
    found = []
    for people in (3, 5_000):
        upload = await imports.upload("Email\r\n" + "".join(f"somebody{n}@example.org\r\n" for n in range(people)))
        params = UserDataImportParameters(upload=upload)
        async with account_transaction(imports.crm.gateway_pool, 1) as connection:
            context = context_of(connection, objects=imports.objects)
            found.append(
                (await imports.job_type.count(params, context), await imports.job_type.is_small(params, context))
            )

    assert found == [(3, True), (5_000, False)]


async def test_chunks_hold_500_rows_and_every_row_has_one_outcome_that_adds_up(imports: Imports) -> None:
    await imports.crm.fields("Email")
    lines = [f"p{n % 1_100}@x.org" if n % 7 else "bad" for n in range(1_234)]

    ran = await imports.run("Email\r\n" + "\r\n".join(lines))

    recorded = await imports.crm.owner.fetch("SELECT row_no, outcome FROM crm.import_rows ORDER BY row_no")
    assert ran.units == [500, 500, 234]
    assert [row["row_no"] for row in recorded] == list(range(2, 1_236))
    assert [row["outcome"] for row in recorded] == [outcome for _, outcome in outcomes(ran)]
    assert ran.rejected == ran.outcomes["error"] == len([line for line in lines if line == "bad"])
    assert sum(ran.outcomes.values()) == ran.rows == 1_234
    job_id = await imports.crm.owner.fetchval("SELECT DISTINCT job_id FROM crm.import_rows")
    async with account_transaction(imports.crm.pool, 1) as connection:
        assert await row_totals(connection, job_id) == ran.outcomes
