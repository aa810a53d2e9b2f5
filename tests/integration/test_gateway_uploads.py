"""Uploads: what is kept and shown, what is refused and why, who sees it, and when it goes."""

import asyncio
import io
from collections.abc import AsyncIterator
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2
import pytest
import xlsxwriter

from jobmonitor.gateway.adapters.database import Database
from jobmonitor.gateway.uploads.sweep import sweep
from jobmonitor.runtime.objects import ObjectMissing
from support.gateway import ADMIN, OTHER_SUPER, SUPER, USER, RunningGateway, running_gateway
from support.waiting import until

OPTIONS = "job-types/user-data-import/options"
MOST_BYTES = 20_971_520
PEOPLE = b"Email,First Name,Shoe size\r\nada@x.test,Ada,38\r\n,,\r\nbob@x.test,Bob,44\r\n"
SHAPE = """
INSERT INTO crm.ads_fields (id, account_id, name, tag, position)
VALUES (1, 1, 'Email', 'email', 1), (2, 1, 'First Name', 'first_name', 2), (3, 2, 'Shoe size', NULL, 1);
INSERT INTO crm.questions (id, account_id, name, kind) VALUES (4, 1, 'News', 'opt_in');
INSERT INTO crm.campaigns (id, account_id, kind, reference_name, status)
VALUES (5, 1, 'petition', 'Meadows', 'live'), (6, 1, 'petition', 'Old', 'closed'), (7, 1, 'donation', 'Gifts', 'live');
INSERT INTO crm.pages (id, account_id, campaign_id, url_slug) VALUES (8, 1, 5, 'a'), (9, 1, 6, 'b'), (10, 1, 7, 'c');
INSERT INTO crm.import_formats (id, account_id, name, columns)
VALUES (11, 1, 'Weekly', '[{"header": "Email", "to": "email"}]'), (12, 2, 'Theirs', '[]');
"""


@pytest.fixture
async def importer(gateway: RunningGateway) -> httpx2.AsyncClient:
    """The first account's User, who may import; the account has something to fill."""
    await gateway.owner.execute(SHAPE)
    await gateway.owner.execute(
        "INSERT INTO crm.group_permissions (account_id, group_id, permission) VALUES (1, 1, 'import')"
    )
    return await gateway.logged_in(USER)


async def _upload(
    client: httpx2.AsyncClient, content: Any, name: str = "people.csv", **headers: str
) -> httpx2.Response:
    return await client.post("/api/v1/uploads", params={"name": name}, content=content, headers=headers)


def _kept_files(gateway: RunningGateway) -> list[Path]:
    folder = Path(gateway.settings.object_store_url.removeprefix("file://"))
    return [path for path in folder.rglob("*") if path.is_file()]


async def _nothing_is_kept(gateway: RunningGateway) -> bool:
    return _kept_files(gateway) == [] and not await gateway.owner.fetchval("SELECT count(*) FROM crm.uploads")


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
    response = await _upload(importer, PEOPLE)

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

    upload = (await _upload(importer, content, "People.XLSX")).json()

    assert (upload["kind"], upload["rows"], upload["first_rows"]) == ("xlsx", 1, [["Y", "ada@x.test"]])
    assert [(column["to"], column.get("id")) for column in upload["columns"]] == [("question", 4), ("email", None)]


async def test_names_may_be_in_any_language_and_the_type_declared_does_not_matter(
    importer: httpx2.AsyncClient,
) -> None:
    name = "Größe & Straße — 人々 (1).csv"

    response = await _upload(importer, PEOPLE, name, **{"content-type": "application/vnd.ms-excel"})

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
            response = await _upload(importer, content, name)

            assert response.status_code == 422
            (error,) = response.json()["errors"]
            assert error["field"] == field
            assert words in error["detail"]
            assert await _nothing_is_kept(gateway)


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

    declared = await _upload(importer, too_many)
    undeclared = await _upload(importer, _in_pieces(too_many))

    assert (declared.status_code, undeclared.status_code) == (413, 413)
    (error,) = declared.json()["errors"]
    assert error["field"] == "file"
    assert "20,971,520 bytes" in error["detail"]
    assert await _nothing_is_kept(gateway)


async def test_ex4_the_very_last_byte_allowed_is_taken(gateway: RunningGateway, importer: httpx2.AsyncClient) -> None:
    response = await _upload(importer, _in_pieces(_padded(MOST_BYTES)))

    assert (response.status_code, response.json()["size_bytes"]) == (201, MOST_BYTES)


async def _raw(
    gateway: RunningGateway, client: httpx2.AsyncClient, length: int, headers: str = ""
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """The head of an upload that declares this length; each further header ends in CRLF."""
    address = httpx2.URL(gateway.url)
    reader, writer = await asyncio.open_connection(address.host, address.port)
    cookie = f"jobmonitor_session={client.cookies['jobmonitor_session']}"
    writer.write(
        f"POST /api/v1/uploads?name=a.csv HTTP/1.1\r\nHost: x\r\nCookie: {cookie}\r\n"
        f"Content-Length: {length}\r\n{headers}\r\n".encode()
    )
    return reader, writer


async def test_what_breaks_off_leaves_nothing(gateway: RunningGateway, importer: httpx2.AsyncClient) -> None:
    answered = 'jobmonitor_gateway_requests_total{method="POST",route="/api/v1/uploads",status="400"} '

    async def broken_off() -> float:
        lines = (await gateway.visitor().get("/metrics")).text.splitlines()
        return sum(float(line.removeprefix(answered)) for line in lines if line.startswith(answered))

    before = await broken_off()
    _, writer = await _raw(gateway, importer, len(PEOPLE) + 1)
    writer.write(PEOPLE)
    await writer.drain()
    writer.close()

    async def noticed() -> bool:
        return await broken_off() > before

    await until(noticed)
    assert await _nothing_is_kept(gateway)


async def test_bytes_beyond_the_declared_length_are_no_part_of_the_file(
    gateway: RunningGateway, importer: httpx2.AsyncClient
) -> None:
    """They would be the next request (RFC 9112, 6.3), which they are not: the connection ends."""
    declared = len(PEOPLE) - 10
    reader, writer = await _raw(gateway, importer, declared)
    writer.write(PEOPLE)

    async def ended() -> bool:
        return await reader.read(1 << 16) == b""

    await until(ended)
    writer.close()
    assert {path.stat().st_size for path in _kept_files(gateway)} <= {declared}
    assert (await _upload(importer, PEOPLE)).json()["size_bytes"] == len(PEOPLE)


async def test_without_the_permission_nothing_is_taken(gateway: RunningGateway) -> None:
    client = await gateway.logged_in(USER)

    refused = await _upload(client, PEOPLE)
    others = [await client.get(f"/api/v1/{path}") for path in (OPTIONS, f"uploads/{uuid4()}")]
    nobody = await _upload(gateway.visitor(), PEOPLE)
    foreign = await _upload(await gateway.logged_in(SUPER), PEOPLE, **{"sec-fetch-site": "cross-site"})

    assert (refused.status_code, nobody.status_code, foreign.status_code) == (403, 401, 403)
    assert "'import'" in refused.json()["detail"]
    assert [response.status_code for response in others] == [403, 403]
    assert await _nothing_is_kept(gateway)


async def test_an_upload_is_seen_by_its_owner_and_the_accounts_super_admin_only(
    gateway: RunningGateway, importer: httpx2.AsyncClient
) -> None:
    place = (await _upload(importer, PEOPLE)).headers["location"]

    seen = {who: (await (await gateway.logged_in(who)).get(place)).status_code for who in (SUPER, ADMIN, OTHER_SUPER)}
    unknown = [await importer.get(f"/api/v1/uploads/{reference}") for reference in (uuid4(), "1", "people.csv")]

    assert seen == {SUPER: 200, ADMIN: 404, OTHER_SUPER: 404}
    assert [response.status_code for response in unknown] == [404, 404, 404]


async def test_what_can_be_filled_is_this_accounts_and_live(importer: httpx2.AsyncClient) -> None:
    options = (await importer.get(f"/api/v1/{OPTIONS}")).json()

    assert [field["name"] for field in options["fields"]] == ["Email", "First Name"]
    assert [question["name"] for question in options["questions"]] == ["News"]
    assert [page["name"] for page in options["pages"]] == ["Meadows"]
    assert [(saved["id"], saved["mode"]) for saved in options["formats"]] == [(11, "add_and_update")]


async def test_another_users_upload_exists_for_nobody_else_of_the_account(
    gateway: RunningGateway, importer: httpx2.AsyncClient, subtests: pytest.Subtests
) -> None:
    place = (await _upload(importer, PEOPLE)).headers["location"]
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


async def test_nobody_fills_the_store_with_files_and_who_has_too_many_deletes_some(
    gateway: RunningGateway, importer: httpx2.AsyncClient
) -> None:
    most = gateway.settings.uploads_kept_per_user
    await gateway.owner.execute(
        "INSERT INTO crm.uploads (id, account_id, uploaded_by, name, media_type, size_bytes, sha256, contents) "
        "SELECT gen_random_uuid(), 1, $1, 'a.csv', 'text/csv', 1, repeat('0', 64), $3 FROM generate_series(1, $2)",
        *(USER, most, {"headings": ["Email"], "first_rows": [], "rows": 0}),
    )

    refused = await _upload(importer, PEOPLE)
    others = await _upload(await gateway.logged_in(ADMIN), PEOPLE)
    listed = (await importer.get("/api/v1/uploads")).json()
    deleted = await importer.delete(f"/api/v1/uploads/{listed['items'][0]['id']}")
    taken = await _upload(importer, PEOPLE)

    assert (refused.status_code, others.status_code) == (429, 201)
    assert int(refused.headers["retry-after"]) > 0
    assert f"{most} of your files" in refused.json()["detail"]
    assert "delete" in refused.json()["detail"]
    assert (len(listed["items"]), listed["at_most"]) == (most, most)
    assert (deleted.status_code, taken.status_code) == (204, 201)
    assert len(_kept_files(gateway)) == 2


async def test_an_account_has_so_many_bytes_and_is_told_before(database: Any, broker: str, tmp_path: Path) -> None:
    most = 2 * len(PEOPLE)
    async with running_gateway(database, broker, tmp_path, upload_bytes_per_account=most) as gateway:
        admin, boss = await gateway.logged_in(ADMIN), await gateway.logged_in(SUPER)
        empty = (await admin.get("/api/v1/uploads")).json()
        taken = [await _upload(client, PEOPLE) for client in (admin, boss)]
        refused = await _upload(admin, PEOPLE)
        full = (await admin.get("/api/v1/uploads")).json()

    assert [answer.status_code for answer in (*taken, refused)] == [201, 201, 429]
    assert "account" in refused.json()["detail"]
    assert (empty["nearly_full"], full["nearly_full"]) == (False, True)
    assert (full["account_bytes"], full["account_bytes_at_most"]) == (most, most)


async def test_a_deleted_upload_is_gone_and_one_that_a_job_needs_stays(
    gateway: RunningGateway, importer: httpx2.AsyncClient
) -> None:
    places = [(await _upload(importer, PEOPLE)).headers["location"] for _ in range(2)]
    await gateway.owner.execute(
        "INSERT INTO ledger.runs (job_id, account_id, owner_id, job_type, parameters, state, sequence) "
        "VALUES ($1, 1, $2, 'user-data-import', $3, 'scheduled', 1)",
        *(uuid4(), USER, {"upload": places[1].rpartition("/")[2]}),
    )

    deleted, needed = [await importer.delete(place) for place in places]
    again = await importer.delete(places[0])
    seen = [(await importer.get(place)).status_code for place in places]
    listed = (await importer.get("/api/v1/uploads")).json()["items"]

    assert (deleted.status_code, needed.status_code, again.status_code) == (204, 409, 404)
    assert "has not ended" in needed.json()["detail"]
    assert seen == [404, 200]
    assert [(each["id"], each["needed"]) for each in listed] == [(places[1].rpartition("/")[2], True)]
    assert len(_kept_files(gateway)) == 1


async def test_a_form_is_not_taken_for_a_file(gateway: RunningGateway, importer: httpx2.AsyncClient) -> None:
    url, files = "/api/v1/uploads", {"file": ("people.csv", PEOPLE, "text/csv")}

    refused = await importer.post(url, params={"name": "people.csv"}, files=files)

    assert refused.status_code == 415
    assert "--data-binary" in refused.json()["detail"]
    assert await _nothing_is_kept(gateway)


async def test_slow_senders_hold_their_own_places_only_and_not_for_ever(
    database: Any, broker: str, tmp_path: Path
) -> None:
    async with running_gateway(database, broker, tmp_path, upload_timeout_s=5.0) as gateway:
        admin, others = await gateway.logged_in(ADMIN), await gateway.logged_in(SUPER)
        slow = [await _raw(gateway, admin, len(PEOPLE), "Expect: 100-continue\r\n") for _ in range(2)]
        for reader, _ in slow:
            assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        refused = await _upload(admin, PEOPLE)
        taken = await _upload(others, PEOPLE)
        trickling = [asyncio.ensure_future(_trickle(writer)) for _, writer in slow]
        told = [await reader.read() for reader, _ in slow]
        for each in trickling:
            each.cancel()

        assert (refused.status_code, taken.status_code) == (429, 201)
        assert int(refused.headers["retry-after"]) > 0
        assert all(answer.startswith(b"HTTP/1.1 408 ") for answer in told)
        assert (await _upload(admin, PEOPLE)).status_code == 201


async def _trickle(writer: asyncio.StreamWriter) -> None:
    for byte in PEOPLE[:-1]:
        writer.write(bytes([byte]))
        await asyncio.sleep(0.2)


async def test_while_the_store_is_away_nothing_is_taken_and_nothing_breaks(
    gateway: RunningGateway, importer: httpx2.AsyncClient
) -> None:
    place = (await _upload(importer, PEOPLE)).headers["location"]
    folder = Path(gateway.settings.object_store_url.removeprefix("file://"))
    (folder / "uploads").rename(folder / "away")
    (folder / "uploads").touch()  # where a folder has to be

    away = [await _upload(importer, PEOPLE), await importer.get(place)]
    (folder / "uploads").unlink()
    (folder / "away").rename(folder / "uploads")

    assert [response.status_code for response in away] == [503, 503]
    assert "cannot be stored" in away[0].json()["detail"]
    assert (await importer.get(place)).status_code == 200
    rows = await gateway.owner.fetch("SELECT id FROM crm.uploads")
    seen = sorted([(await importer.get(f"/api/v1/uploads/{row['id']}")).status_code for row in rows])
    assert seen[0] == 200
    assert set(seen[1:]) <= {404}, "what was refused is no upload"


async def test_a_sender_that_falls_silent_is_told_and_its_place_given_to_others(
    database: Any, broker: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobmonitor.gateway.uploads.receiving.STALL_S", 2.0)
    async with running_gateway(database, broker, tmp_path, uploads_at_once=1) as gateway:
        admin = await gateway.logged_in(ADMIN)
        reader, writer = await _raw(gateway, admin, len(PEOPLE), "Expect: 100-continue\r\n")
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n", "it has the only place"
        writer.write(PEOPLE[:5])

        async def answered_by(status: int) -> httpx2.Response | None:
            response = await _upload(admin, PEOPLE)
            return response if response.status_code == status else None

        full = await until(lambda: answered_by(503))
        told = await reader.read()
        taken = await until(lambda: answered_by(201))

    assert int(full.headers["retry-after"]) > 0
    assert "Too many files are arriving" in full.json()["detail"]
    assert told.startswith(b"HTTP/1.1 408 ")
    assert b"nothing was kept" in told
    assert taken.json()["rows"] == 2


async def test_old_uploads_go_except_those_a_job_still_needs(
    gateway: RunningGateway, importer: httpx2.AsyncClient
) -> None:
    ids = {name: (await _upload(importer, PEOPLE)).json()["id"] for name in ("young", "unused", "read", "waited for")}
    owner = gateway.owner
    await owner.execute(
        "UPDATE crm.uploads SET created_at = now() - interval '8 days' WHERE id::text <> $1", ids["young"]
    )
    for name, state in (("read", "completed"), ("waited for", "scheduled")):
        await owner.execute(
            "INSERT INTO ledger.runs (job_id, account_id, owner_id, job_type, parameters, state, sequence) "
            "VALUES ($1, 1, $2, 'user-data-import', $3, $4, 1)",
            *(uuid4(), USER, {"upload": ids[name]}, state),
        )

    database = Database(gateway.settings.database_url, size=1)
    swept = await sweep(database, gateway.objects, timedelta(days=7))
    await database.close()

    statuses = {name: (await importer.get(f"/api/v1/uploads/{each}")).status_code for name, each in ids.items()}
    assert statuses == {"young": 200, "unused": 404, "read": 404, "waited for": 200}
    assert swept == 2
    assert len(_kept_files(gateway)) == 2
    with pytest.raises(ObjectMissing):
        await gateway.objects.size(f"uploads/1/{ids['unused']}")
