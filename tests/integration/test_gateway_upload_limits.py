"""How many files are kept and for how long, and senders that are slow, silent or in the way of others."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from jobmonitor.gateway.adapters.database import Database
from jobmonitor.gateway.uploads.sweep import sweep
from jobmonitor.runtime.objects import ObjectMissing
from support.gateway import ADMIN, SUPER, USER, RunningGateway, running_gateway
from support.uploading import PEOPLE, begin_upload, kept_files, nothing_is_kept, send_file
from support.waiting import until


async def test_nobody_fills_the_store_with_files_and_who_has_too_many_deletes_some(
    gateway: RunningGateway, importer: httpx2.AsyncClient
) -> None:
    most = gateway.settings.uploads_kept_per_user
    await gateway.owner.execute(
        "INSERT INTO crm.uploads (id, account_id, uploaded_by, name, media_type, size_bytes, sha256, contents) "
        "SELECT gen_random_uuid(), 1, $1, 'a.csv', 'text/csv', 1, repeat('0', 64), $3 FROM generate_series(1, $2)",
        *(USER, most, {"headings": ["Email"], "first_rows": [], "rows": 0}),
    )

    refused = await send_file(importer, PEOPLE)
    others = await send_file(await gateway.logged_in(ADMIN), PEOPLE)
    listed = (await importer.get("/api/v1/uploads")).json()
    deleted = await importer.delete(f"/api/v1/uploads/{listed['items'][0]['id']}")
    taken = await send_file(importer, PEOPLE)

    assert (refused.status_code, others.status_code) == (429, 201)
    assert int(refused.headers["retry-after"]) > 0
    assert f"{most} of your files" in refused.json()["detail"]
    assert "delete" in refused.json()["detail"]
    assert (len(listed["items"]), listed["at_most"]) == (most, most)
    assert (deleted.status_code, taken.status_code) == (204, 201)
    assert len(kept_files(gateway)) == 2


async def test_an_account_has_so_many_bytes_and_is_told_before(database: Any, broker: str, tmp_path: Path) -> None:
    most = 2 * len(PEOPLE)
    async with running_gateway(database, broker, tmp_path, upload_bytes_per_account=most) as gateway:
        admin, boss = await gateway.logged_in(ADMIN), await gateway.logged_in(SUPER)
        empty = (await admin.get("/api/v1/uploads")).json()
        taken = [await send_file(client, PEOPLE) for client in (admin, boss)]
        refused = await send_file(admin, PEOPLE)
        full = (await admin.get("/api/v1/uploads")).json()

    assert [answer.status_code for answer in (*taken, refused)] == [201, 201, 429]
    assert "account" in refused.json()["detail"]
    assert (empty["nearly_full"], full["nearly_full"]) == (False, True)
    assert (full["account_bytes"], full["account_bytes_at_most"]) == (most, most)


async def test_a_deleted_upload_is_gone_and_one_that_a_job_needs_stays(
    gateway: RunningGateway, importer: httpx2.AsyncClient
) -> None:
    places = [(await send_file(importer, PEOPLE)).headers["location"] for _ in range(2)]
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
    assert len(kept_files(gateway)) == 1


async def test_a_form_is_not_taken_for_a_file(gateway: RunningGateway, importer: httpx2.AsyncClient) -> None:
    url, files = "/api/v1/uploads", {"file": ("people.csv", PEOPLE, "text/csv")}

    refused = await importer.post(url, params={"name": "people.csv"}, files=files)

    assert refused.status_code == 415
    assert "--data-binary" in refused.json()["detail"]
    assert await nothing_is_kept(gateway)


async def test_slow_senders_hold_their_own_places_only_and_not_for_ever(
    database: Any, broker: str, tmp_path: Path
) -> None:
    async with running_gateway(database, broker, tmp_path, upload_timeout_s=5.0) as gateway:
        admin, others = await gateway.logged_in(ADMIN), await gateway.logged_in(SUPER)
        slow = [await begin_upload(gateway, admin, len(PEOPLE), "Expect: 100-continue\r\n") for _ in range(2)]
        for reader, _ in slow:
            assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        refused = await send_file(admin, PEOPLE)
        taken = await send_file(others, PEOPLE)
        trickling = [asyncio.ensure_future(_trickle(writer)) for _, writer in slow]
        told = [await reader.read() for reader, _ in slow]
        for each in trickling:
            each.cancel()

        assert (refused.status_code, taken.status_code) == (429, 201)
        assert int(refused.headers["retry-after"]) > 0
        assert all(answer.startswith(b"HTTP/1.1 408 ") for answer in told)
        assert (await send_file(admin, PEOPLE)).status_code == 201


async def _trickle(writer: asyncio.StreamWriter) -> None:
    for byte in PEOPLE[:-1]:
        writer.write(bytes([byte]))
        await asyncio.sleep(0.2)


async def test_while_the_store_is_away_nothing_is_taken_and_nothing_breaks(
    gateway: RunningGateway, importer: httpx2.AsyncClient
) -> None:
    place = (await send_file(importer, PEOPLE)).headers["location"]
    folder = Path(gateway.settings.object_store_url.removeprefix("file://"))
    (folder / "uploads").rename(folder / "away")
    (folder / "uploads").touch()  # where a folder has to be

    away = [await send_file(importer, PEOPLE), await importer.get(place)]
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
        reader, writer = await begin_upload(gateway, admin, len(PEOPLE), "Expect: 100-continue\r\n")
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n", "it has the only place"
        writer.write(PEOPLE[:5])

        async def answered_by(status: int) -> httpx2.Response | None:
            response = await send_file(admin, PEOPLE)
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
    ids = {name: (await send_file(importer, PEOPLE)).json()["id"] for name in ("young", "unused", "read", "waited for")}
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
    assert len(kept_files(gateway)) == 2
    with pytest.raises(ObjectMissing):
        await gateway.objects.size(f"uploads/1/{ids['unused']}")
