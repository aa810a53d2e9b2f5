"""Files for any job type: who may send and use one is said by the type that reads it."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx2
import msgspec
import pytest

from jobmonitor.job_types.defaults import JobTypeDefaults
from jobmonitor.job_types.protocol import Context, UploadRule
from jobmonitor.job_types.uploads import usable_upload
from jobmonitor.job_types.user_data_import.job_type import UserDataImport
from support.gateway import ADMIN, OTHER_SUPER, USER, RunningGateway, running_gateway
from support.uploading import send_file

PEOPLE = b"Email\r\nada@x.test\r\n"
ARCHIVE = b"PK\x03\x04 and so on"
MOST_BYTES = 64


class LetterParameters(msgspec.Struct, frozen=True, kw_only=True):
    upload: UUID


class Letters(JobTypeDefaults[LetterParameters]):
    """Reads texts, and tables as if they were texts. What is in them does not matter."""

    slug, title, unit, permission = "letters", "Letter Count", "letters", "export"
    params_type = LetterParameters
    upload = UploadRule(media_types={"txt": "text/plain", "csv": "text/csv"}, bytes_max=MOST_BYTES)

    async def check(self, params: LetterParameters, context: Context) -> None:
        await usable_upload(params.upload, self.upload, context)

    async def count(self, params: LetterParameters, context: Context) -> int:
        return (await usable_upload(params.upload, self.upload, context)).size_bytes


@pytest.fixture
async def both(database: Any, broker: str, tmp_path: Path) -> AsyncIterator[RunningGateway]:
    """The import and the letters."""
    job_types: list[Any] = [UserDataImport(), Letters()]
    async with running_gateway(database, broker, tmp_path, job_types=job_types) as gateway:
        yield gateway


async def _preview(client: httpx2.AsyncClient, job_type: str, upload: str) -> httpx2.Response:
    body = {"type": job_type, "parameters": {"upload": upload}}
    return await client.post("/api/v1/job-preview", json=body)


async def test_a_file_is_for_the_type_named_or_else_the_first_that_reads_it(both: RunningGateway) -> None:
    admin = await both.logged_in(ADMIN)

    first, named, text = [
        (await send_file(admin, PEOPLE, "people.csv")).json(),
        (await send_file(admin, PEOPLE, "people.csv", job_type="letters")).json(),
        (await send_file(admin, b"Dear Ada", "Letter.TXT")).json(),
    ]
    listed = (await admin.get("/api/v1/uploads", params={"type": "letters"})).json()["items"]
    all_types = (await admin.get("/api/v1/uploads")).json()["items"]

    assert [(each["type"], each["kind"]) for each in (first, named, text)] == [
        ("user-data-import", "csv"),
        ("letters", "csv"),
        ("letters", "txt"),
    ]
    assert [each["columns"] for each in (first, named)] == [[{"header": "Email", "to": "email"}], []]
    assert (named["rows"], named["first_rows"]) == (0, [])
    assert {each["id"] for each in listed} == {named["id"], text["id"]}
    assert len(all_types) == 3
    assert (await admin.get(f"/api/v1/uploads/{text['id']}")).json() == text


async def test_each_type_has_its_own_size(both: RunningGateway) -> None:
    admin = await both.logged_in(ADMIN)

    answers = [await send_file(admin, b"x" * size, "a.txt") for size in (MOST_BYTES, MOST_BYTES + 1)]
    table = await send_file(admin, b"Email\r\n" + b"a@x.test\r\n" * MOST_BYTES, "a.csv")

    assert [answer.status_code for answer in (*answers, table)] == [201, 413, 201]
    (error,) = answers[1].json()["errors"]
    assert (error["field"], "64 bytes" in error["detail"]) == ("file", True)


async def test_where_any_bytes_will_do_the_ending_says_nothing_about_them(both: RunningGateway) -> None:
    admin = await both.logged_in(ADMIN)

    answers = [
        await send_file(admin, ARCHIVE, "people.csv", job_type=job_type) for job_type in ("letters", "user-data-import")
    ]

    assert [answer.status_code for answer in answers] == [201, 422]
    assert answers[1].json()["type"].endswith("unknown_kind")


async def test_who_may_not_start_a_type_may_not_send_a_file_for_it(both: RunningGateway) -> None:
    """The User may export and not import."""
    user = await both.logged_in(USER)

    refused = await send_file(user, PEOPLE, "people.csv", job_type="user-data-import")
    taken = await send_file(user, PEOPLE, "people.csv")
    listed = await user.get("/api/v1/uploads", params={"type": "user-data-import"})

    assert (refused.status_code, listed.status_code) == (403, 403)
    assert (taken.status_code, taken.json()["type"]) == (201, "letters")


async def test_a_file_that_no_type_reads_is_refused_by_its_field(both: RunningGateway) -> None:
    admin = await both.logged_in(ADMIN)

    unknown = await send_file(admin, PEOPLE, "people.csv", job_type="unknown")
    other = await send_file(admin, b"Dear Ada", "letter.txt", job_type="user-data-import")

    assert [answer.status_code for answer in (unknown, other)] == [422, 422]
    assert [answer.json()["errors"][0]["field"] for answer in (unknown, other)] == ["type", "name"]


async def test_a_file_is_used_by_another_type_only_if_that_reads_its_kind(both: RunningGateway) -> None:
    admin = await both.logged_in(ADMIN)
    text = (await send_file(admin, b"Dear Ada", "letter.txt")).json()["id"]
    table = (await send_file(admin, PEOPLE, "people.csv")).json()["id"]
    letters = (await send_file(admin, PEOPLE, "people.csv", job_type="letters")).json()["id"]

    refused = await _preview(admin, "user-data-import", text)
    counted = [
        (await _preview(admin, job_type, upload)).json()
        for job_type, upload in (("letters", text), ("letters", table), ("user-data-import", letters))
    ]

    assert refused.status_code == 422
    assert refused.json()["type"].endswith("wrong_file_type")
    assert refused.json()["errors"][0]["field"] == "parameters.upload"
    assert [each["units"] for each in counted] == [8, len(PEOPLE), 1]


async def test_other_accounts_files_are_not_found_whatever_their_type(both: RunningGateway) -> None:
    upload = (await send_file(await both.logged_in(ADMIN), b"Dear Ada", "letter.txt")).json()["id"]
    stranger = await both.logged_in(OTHER_SUPER)

    assert (await stranger.get(f"/api/v1/uploads/{upload}")).status_code == 404
    assert (await _preview(stranger, "letters", upload)).json()["type"].endswith("unknown_upload")


async def test_who_may_no_longer_start_a_type_does_not_see_into_its_files(both: RunningGateway) -> None:
    await both.owner.execute(
        "INSERT INTO crm.group_permissions (account_id, group_id, permission) VALUES (1, 1, 'import')"
    )
    user = await both.logged_in(USER)
    place = (await send_file(user, PEOPLE, "people.csv")).headers["location"]
    await both.owner.execute("DELETE FROM crm.group_permissions WHERE group_id = 1 AND permission = 'import'")

    assert (await user.get(place)).status_code == 403
    assert (await user.delete(place)).status_code == 204
