"""Uploads: what is kept and shown, what is refused and why, who sees it, and when it goes."""

import io
from collections.abc import AsyncIterator
from hashlib import sha256
from uuid import uuid4

import httpx2
import pytest
import xlsxwriter

from support.gateway import ADMIN, OTHER_SUPER, SUPER, USER, RunningGateway
from support.uploading import MOST_BYTES, OPTIONS, PEOPLE, begin_upload, kept_files, nothing_is_kept, send_file
from support.waiting import until


def _workbook(*rows: list[str]) -> bytes:
    target = io.BytesIO()
    with xlsxwriter.Workbook(target) as workbook:
        sheet = workbook.add_worksheet()
        for number, row in enumerate(rows):
            sheet.write_row(number, 0, row)
    return target.getvalue()


async def test_a_file_is_kept_and_described_the_same_again_and_again(
    gateway: RunningGateway, importer: httpx2.AsyncClient
) -> None:
    response = await send_file(importer, PEOPLE)

    assert response.status_code == 201, response.text
    upload = response.json()
    assert {name: upload[name] for name in ("name", "kind", "size_bytes", "sha256", "rows")} == {
        "name": "people.csv",
        "kind": "csv",
        "size_bytes": len(PEOPLE),
        "sha256": sha256(PEOPLE).hexdigest(),
        "rows": 2,
    }
    assert upload["columns"] == [
        {"header": "Email", "to": "email"},
        {"header": "First Name", "to": "field", "id": 2},
        {"header": "Shoe size", "to": "skip"},  # a field of the other account
    ]
    assert upload["first_rows"] == [["ada@x.test", "Ada", "38"], ["bob@x.test", "Bob", "44"]]
    assert (await importer.get(response.headers["location"])).json() == upload
    stored = gateway.objects.stream(f"uploads/1/{upload['id']}")
    assert b"".join([piece async for piece in stored]) == PEOPLE


async def test_a_workbook_is_described_like_a_csv_file(importer: httpx2.AsyncClient) -> None:
    content = _workbook(["News", "E-mail"], ["Y", "ada@x.test"])

    upload = (await send_file(importer, content, "People.XLSX")).json()

    assert (upload["kind"], upload["rows"], upload["first_rows"]) == ("xlsx", 1, [["Y", "ada@x.test"]])
    assert [(column["to"], column.get("id")) for column in upload["columns"]] == [("question", 4), ("email", None)]


async def test_names_may_be_in_any_language_and_the_type_declared_does_not_matter(
    importer: httpx2.AsyncClient,
) -> None:
    name = "Größe & Straße — 人々 (1).csv"

    response = await send_file(importer, PEOPLE, name, **{"content-type": "application/vnd.ms-excel"})

    assert (response.status_code, response.json()["name"]) == (201, name)


WINDOWS_1252 = "Email,First Name\r\na@x.test,René\r\n".encode("cp1252")
UNUSABLE: list[tuple[str, bytes, str, str]] = [
    ("people.csv", b"", "file", "empty"),
    ("people.xlsx", b"", "file", "empty"),
    ("people.pdf", PEOPLE, "name", ".csv or .xlsx"),
    ("people", PEOPLE, "name", ".csv or .xlsx"),
    ("peo\nple.csv", PEOPLE, "name", "control characters"),
    ("peo\x85ple.csv", PEOPLE, "name", "control characters"),
    ("peo\u202evsc.csv", PEOPLE, "name", "direction"),
    ("x" * 252 + ".csv", PEOPLE, "name", "255"),
    ("people.xlsx", PEOPLE, "file", "not an Excel workbook"),
    ("people.csv", _workbook(["Email"]), "file", "not a CSV file"),
    ("people.xlsx", b"PK\x03\x04 and then nothing", "file", "cannot be read"),
    ("people.csv", WINDOWS_1252, "file", f"offset {WINDOWS_1252.index(0xE9)}"),
    ("people.csv", b"Email,Email\r\n", "file", "stands twice"),
    ("people.csv", b"Email,\r\n", "file", "no heading"),
    ("people.csv", b"Email;Name\r\n", "file", "commas"),
    ("people.csv", b'Email\r\n"open\r\n', "file", "Row"),
]


async def test_ex3_what_cannot_be_imported_is_refused_in_words_and_not_kept(
    gateway: RunningGateway, importer: httpx2.AsyncClient, subtests: pytest.Subtests
) -> None:
    for name, content, field, words in UNUSABLE:
        with subtests.test(name=name, content=content[:20]):
            response = await send_file(importer, content, name)

            assert response.status_code == 422
            (error,) = response.json()["errors"]
            assert error["field"] == field
            assert words in error["detail"]
            assert await nothing_is_kept(gateway)


async def test_a_file_without_a_name_is_refused(importer: httpx2.AsyncClient) -> None:
    response = await importer.post("/api/v1/uploads", content=PEOPLE)

    assert (response.status_code, response.json()["errors"][0]["field"]) == (422, "name")


def _padded(size_bytes: int) -> bytes:
    return (b"Email,Notes\r\na@x.test,".ljust(size_bytes - 2, b"x") + b"\r\n")[:size_bytes]


async def _in_pieces(content: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(content), 1 << 18):
        yield content[start : start + (1 << 18)]


async def test_ex4_one_byte_too_many_is_413_and_nothing_is_kept(
    gateway: RunningGateway, importer: httpx2.AsyncClient
) -> None:
    too_many = _padded(MOST_BYTES + 1)

    declared = await send_file(importer, too_many)
    undeclared = await send_file(importer, _in_pieces(too_many))

    assert (declared.status_code, undeclared.status_code) == (413, 413)
    (error,) = declared.json()["errors"]
    assert error["field"] == "file"
    assert "20,971,520 bytes" in error["detail"]
    assert await nothing_is_kept(gateway)


async def test_ex4_the_very_last_byte_allowed_is_taken(gateway: RunningGateway, importer: httpx2.AsyncClient) -> None:
    response = await send_file(importer, _in_pieces(_padded(MOST_BYTES)))

    assert (response.status_code, response.json()["size_bytes"]) == (201, MOST_BYTES)


async def test_what_breaks_off_leaves_nothing(gateway: RunningGateway, importer: httpx2.AsyncClient) -> None:
    answered = 'jobmonitor_gateway_requests_total{method="POST",route="/api/v1/uploads",status="400"} '

    async def broken_off() -> float:
        lines = (await gateway.visitor().get("/metrics")).text.splitlines()
        return sum(float(line.removeprefix(answered)) for line in lines if line.startswith(answered))

    before = await broken_off()
    _, writer = await begin_upload(gateway, importer, len(PEOPLE) + 1)
    writer.write(PEOPLE)
    await writer.drain()
    writer.close()

    async def noticed() -> bool:
        return await broken_off() > before

    await until(noticed)
    assert await nothing_is_kept(gateway)


async def test_bytes_beyond_the_declared_length_are_no_part_of_the_file(
    gateway: RunningGateway, importer: httpx2.AsyncClient
) -> None:
    """They would be the next request (RFC 9112, 6.3), which they are not: the connection ends."""
    declared = len(PEOPLE) - 10
    reader, writer = await begin_upload(gateway, importer, declared)
    writer.write(PEOPLE)

    async def ended() -> bool:
        return await reader.read(1 << 16) == b""

    await until(ended)
    writer.close()
    assert {path.stat().st_size for path in kept_files(gateway)} <= {declared}
    assert (await send_file(importer, PEOPLE)).json()["size_bytes"] == len(PEOPLE)


async def test_without_the_permission_nothing_is_taken(gateway: RunningGateway) -> None:
    client = await gateway.logged_in(USER)

    refused = await send_file(client, PEOPLE)
    others = [await client.get(f"/api/v1/{path}") for path in (OPTIONS, f"uploads/{uuid4()}")]
    nobody = await send_file(gateway.visitor(), PEOPLE)
    foreign = await send_file(await gateway.logged_in(SUPER), PEOPLE, **{"sec-fetch-site": "cross-site"})

    assert (refused.status_code, nobody.status_code, foreign.status_code) == (403, 401, 403)
    assert "'import'" in refused.json()["detail"]
    assert [response.status_code for response in others] == [403, 403]
    assert await nothing_is_kept(gateway)


async def test_an_upload_is_seen_by_its_owner_and_the_accounts_super_admin_only(
    gateway: RunningGateway, importer: httpx2.AsyncClient
) -> None:
    place = (await send_file(importer, PEOPLE)).headers["location"]

    seen = {who: (await (await gateway.logged_in(who)).get(place)).status_code for who in (SUPER, ADMIN, OTHER_SUPER)}
    unknown = [await importer.get(f"/api/v1/uploads/{reference}") for reference in (uuid4(), "1", "people.csv")]

    assert seen == {SUPER: 200, ADMIN: 404, OTHER_SUPER: 404}
    assert [response.status_code for response in unknown] == [404, 404, 404]


async def test_what_can_be_filled_is_this_accounts_and_live(importer: httpx2.AsyncClient) -> None:
    options = (await importer.get(f"/api/v1/{OPTIONS}")).json()

    assert [(group["name"], [target["name"] for target in group["targets"]]) for group in options["columns"]] == [
        ("Supporter fields", ["Email", "First Name"]),
        ("Opt-ins (Y or N)", ["News"]),
        ("Took part in (P)", ["Meadows"]),
    ]
    assert [page["name"] for page in options["pages"]] == ["Meadows"]
    assert [(saved["id"], saved["mode"]) for saved in options["formats"]] == [(11, "add_and_update")]


async def test_another_users_upload_exists_for_nobody_else_of_the_account(
    gateway: RunningGateway, importer: httpx2.AsyncClient, subtests: pytest.Subtests
) -> None:
    place = (await send_file(importer, PEOPLE)).headers["location"]
    wish = {"type": "user-data-import", "parameters": {"upload": place.rpartition("/")[2]}}
    admin, others_super = await gateway.logged_in(ADMIN), await gateway.logged_in(OTHER_SUPER)

    for who, client in (("admin", admin), ("the other account's super admin", others_super)):
        with subtests.test(who=who):
            for path in ("/api/v1/job-preview", "/api/v1/jobs"):
                refused = await client.post(path, json=wish)
                assert refused.status_code == 422
                assert refused.json()["type"].endswith("unknown_upload")
            assert (await client.get(place)).status_code == 404
            assert (await client.delete(place)).status_code == 404
            assert (await client.get("/api/v1/uploads")).json()["items"] == []

    with subtests.test(who="the account's super admin"):
        assert (await (await gateway.logged_in(SUPER)).post("/api/v1/job-preview", json=wish)).json()["units"] == 2
    with subtests.test(who="who sent it"):
        assert (await importer.post("/api/v1/job-preview", json=wish)).json()["units"] == 2
        assert (await importer.post("/api/v1/jobs", json=wish)).status_code == 202
