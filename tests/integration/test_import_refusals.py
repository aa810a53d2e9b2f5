"""Requests for imports that are refused at the door, each with the parameter at fault."""

from typing import Any
from uuid import uuid4

import pytest

from jobmonitor.database.pool import account_transaction
from jobmonitor.job_types.protocol import Refused
from jobmonitor.job_types.user_data_import.parameters import UserDataImportParameters
from jobmonitor.job_types.user_data_import.store import row_totals
from support.imports import Imports
from support.run_job_type import plan_job


@pytest.mark.parametrize(
    ("parameters", "code", "parameter"),
    [
        ({"upload": str(uuid4())}, "unknown_upload", "upload"),
        ({"page": 99}, "unknown_page", "page"),
        ({"format_id": 99}, "unknown_format", "format_id"),
        ({"format_id": 1, "columns": [{"header": "Email", "to": "email"}]}, "format_and_columns", "columns"),
        ({"columns": [{"header": "Email", "to": "field", "id": 99}]}, "unknown_field", "columns"),
        ({"columns": [{"header": "Mail", "to": "email"}]}, "unknown_header", "columns"),
    ],
)
async def test_what_does_not_exist_is_refused_with_its_parameter(
    imports: Imports, parameters: dict[str, Any], code: str, parameter: str
) -> None:
    await imports.crm.fields("Email")
    upload = str(await imports.upload("Email\r\na@x.org\r\n"))

    refused = await imports.refusal(**({"upload": upload} | parameters))

    assert (refused.code, refused.parameter) == (code, parameter)


async def test_a_saved_format_whose_field_was_removed_is_refused_by_its_name(imports: Imports) -> None:
    await imports.crm.fields("Email")
    columns = '[{"header": "Email", "to": "email"}, {"header": "Town", "to": "field", "id": 99}]'
    saved = await imports.crm.insert("import_formats", name="Event", columns=columns)

    refused = await imports.refusal(upload=str(await imports.upload("Email,Town\r\n")), format_id=saved)

    assert (refused.code, refused.parameter) == ("unknown_field", "format_id")
    assert "'Event'" in str(refused)


@pytest.mark.parametrize("status", ["new", "closed"])
async def test_only_live_pages_can_be_named(imports: Imports, status: str) -> None:
    await imports.crm.fields("Email")
    page, _ = await imports.crm.page("River", status=status)

    refused = await imports.refusal(upload=str(await imports.upload("Email\r\n")), page=page)

    assert (refused.code, refused.parameter) == ("page_not_live", "page")


async def test_a_file_another_account_uploaded_does_not_exist(imports: Imports) -> None:
    other = Imports(await imports.crm.other_account(), imports.objects)
    await imports.crm.fields("Email")

    refused = await imports.refusal(upload=str(await other.upload("Email\r\na@x.org\r\n")))

    assert refused.code == "unknown_upload"


async def test_a_file_another_user_of_the_account_uploaded_does_not_exist(imports: Imports) -> None:
    """Whoever sends the request: a worker that took it from Kafka asks the same."""
    await imports.crm.fields("Email")
    upload = await imports.upload("Email\r\na@x.org\r\n")
    colleague = await imports.crm.insert(
        "users", email="ben@account1.test", name="Ben", user_type="admin", password_hash="hash"
    )
    await imports.crm.owner.execute("UPDATE crm.uploads SET uploaded_by = $1", colleague)

    at_the_gateway = await imports.refusal(upload=str(upload))
    params = UserDataImportParameters(upload=upload)
    with pytest.raises(Refused) as in_a_worker:
        await plan_job(imports.job_type, params, imports.crm.pool, 1, objects=imports.objects)

    assert (at_the_gateway.code, in_a_worker.value.code) == ("unknown_upload", "unknown_upload")


async def test_another_accounts_formats_and_outcomes_do_not_exist(imports: Imports) -> None:
    other = Imports(await imports.crm.other_account(), imports.objects)
    for account in (imports, other):
        await account.crm.fields("Email")
    columns = '[{"header": "Email", "to": "email"}]'
    theirs = await other.crm.insert("import_formats", name="Event", columns=columns)
    await other.run("Email\r\na@x.org\r\n", format_id=theirs)
    job_id = await imports.crm.owner.fetchval("SELECT job_id FROM crm.import_rows")

    refused = await imports.refusal(upload=str(await imports.upload("Email\r\n")), format_id=theirs)
    async with account_transaction(imports.crm.pool, 1) as connection:
        ours = await row_totals(connection, job_id)
    async with account_transaction(imports.crm.pool, 2) as connection:
        seen_by_them = await row_totals(connection, job_id)

    assert refused.code == "unknown_format"
    assert (ours, seen_by_them) == ({}, {"created": 1})


async def test_a_file_whose_content_is_gone_is_refused_in_words(imports: Imports) -> None:
    await imports.crm.fields("Email")
    upload = await imports.upload("Email\r\na@x.org\r\n")
    await imports.objects.delete_under("uploads")

    assert (await imports.refusal(upload=str(upload))).code == "upload_gone"
