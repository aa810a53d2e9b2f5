"""Starting jobs: what is accepted and published, what is refused and why, and that a repeat is the same job."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest

from jobmonitor.contract.envelope import Event
from jobmonitor.contract.events import JobStopRequested, JobSubmitted
from jobmonitor.contract.job_ids import job_id_for
from jobmonitor.job_types.probe.job_type import Probe, ProbeParameters
from jobmonitor.job_types.protocol import Context, Refused
from support.engine import read_events
from support.gateway import OTHER_USER, SUPER, USER, RunningGateway, StoppableExport, running_gateway
from support.servers import Database
from support.waiting import until

TOPIC = "requests.user-data-export"
EXPORT: dict[str, Any] = {"type": "user-data-export", "parameters": {"format": "user"}}


async def _submit(client: httpx2.AsyncClient, body: Any = EXPORT, key: str | None = None) -> httpx2.Response:
    return await client.post("/api/v1/jobs", json=body, headers={"idempotency-key": key} if key else {})


async def _published(broker: str, job_id: UUID) -> list[Event]:
    return [event for event in await read_events(broker, TOPIC) if event.job_id == job_id]


def _fields(response: httpx2.Response) -> list[str]:
    assert response.headers["content-type"] == "application/problem+json"
    return [error["field"] for error in response.json()["errors"]]


async def test_an_accepted_job_is_in_kafka_with_its_defaults_filled_in(gateway: RunningGateway, broker: str) -> None:
    client = await gateway.logged_in(USER)
    run_at = datetime.now(UTC) + timedelta(days=3)

    response = await _submit(client, {**EXPORT, "reference": " Spring ", "run_at": run_at.isoformat()})

    assert response.status_code == 202
    job_id = UUID(response.json()["id"])
    assert response.headers["location"] == response.json()["location"] == f"/api/v1/jobs/{job_id}"
    assert response.json()["number"] is None
    (event,) = await _published(broker, job_id)
    assert isinstance(event.data, JobSubmitted)
    assert (event.data.account_id, event.data.owner_id, event.data.reference) == (1, USER, "Spring")
    assert event.data.run_at == run_at
    assert event.data.parameters["format"] == "user"
    assert event.data.parameters["file_type"] == "csv"
    assert event.source == "/jobmonitor/gateway"


async def test_the_answer_waits_for_the_number(gateway: RunningGateway) -> None:
    client = await gateway.logged_in(USER)
    key = str(uuid4())
    job_id = job_id_for(1, key)

    async def project() -> None:
        """As the projection would, once it hears of the job."""
        await until(lambda: gateway.owner.fetchval("SELECT 1 FROM gateway.submissions WHERE job_id = $1", job_id))
        await gateway.put_job(job_id=job_id, number=77, parameters={"format": "user"})

    response, _ = await asyncio.gather(_submit(client, key=key), project())

    assert response.status_code == 202
    assert response.json()["number"] == 77
    assert response.headers["location"] == "/api/v1/jobs/77"
    assert response.json()["job"]["state"] == "queued"


async def test_an_accepted_job_is_never_unknown_to_its_owner(gateway: RunningGateway) -> None:
    client = await gateway.logged_in(USER)
    later = (datetime.now(UTC) + timedelta(days=1)).isoformat()

    now_id = (await _submit(client)).json()["id"]
    later_id = (await _submit(client, {**EXPORT, "run_at": later, "reference": "R"})).json()["id"]
    now_job, later_job = [(await client.get(f"/api/v1/jobs/{each}")).json() for each in (now_id, later_id)]

    assert (now_job["number"], now_job["state"], now_job["name"]) == (None, "queued", "User Data Export")
    assert (later_job["state"], later_job["reference"], later_job["owner"]["name"]) == ("scheduled", "R", "Person 1")
    seen_by = {
        who: (await (await gateway.logged_in(who)).get(f"/api/v1/jobs/{now_id}")).status_code
        for who in (SUPER, OTHER_USER)
    }
    assert seen_by == {SUPER: 200, OTHER_USER: 404}


async def test_a_repeat_with_the_same_key_is_the_same_job(gateway: RunningGateway, broker: str) -> None:
    client = await gateway.logged_in(USER)
    key = str(uuid4())

    first, *repeats = [await _submit(client, key=key) for _ in range(2)]
    with_defaults = await _submit(client, {"type": EXPORT["type"], "parameters": {"file_type": "csv"}}, key)

    ids = {response.json()["id"] for response in (first, *repeats, with_defaults)}
    assert [response.status_code for response in (first, *repeats, with_defaults)] == [202] * 3
    assert ids == {str(job_id_for(1, key))}
    events = await _published(broker, job_id_for(1, key))
    assert len({str(event.data) for event in events}) == 1, "repeats say the same"


async def test_many_repeats_at_once_are_the_same_job(gateway: RunningGateway) -> None:
    client = await gateway.logged_in(USER)
    key = str(uuid4())

    responses = await asyncio.gather(*(_submit(client, key=key) for _ in range(6)))

    assert {response.status_code for response in responses} == {202}
    assert {response.json()["id"] for response in responses} == {str(job_id_for(1, key))}


async def test_the_same_key_for_another_request_is_refused(gateway: RunningGateway, broker: str) -> None:
    client = await gateway.logged_in(USER)
    key = str(uuid4())
    await _submit(client, key=key)

    others = [
        await _submit(client, {**EXPORT, "parameters": {"format": "transaction"}}, key),
        await _submit(client, {**EXPORT, "reference": "other"}, key),
        await _submit(await gateway.logged_in(SUPER), key=key),
    ]
    in_other_account = await _submit(await gateway.logged_in(OTHER_USER), key=key)

    assert [response.status_code for response in others] == [409, 409, 409]
    assert "Idempotency-Key" in others[0].json()["detail"]
    assert in_other_account.status_code == 202, "keys are the account's own"
    assert in_other_account.json()["id"] != str(job_id_for(1, key))
    assert len(await _published(broker, job_id_for(1, key))) == 1


async def test_a_key_used_straight_in_kafka_counts_too(gateway: RunningGateway, broker: str) -> None:
    """A producer published the job without the gateway; the projection shows it."""
    client = await gateway.logged_in(USER)
    key = str(uuid4())
    await gateway.put_job(job_id=job_id_for(1, key), number=88, parameters={"format": "user"})

    same = await _submit(client, key=key)
    other = await _submit(client, {**EXPORT, "parameters": {"format": "transaction"}}, key)
    of_another = await _submit(await gateway.logged_in(SUPER), key=key)

    assert (same.status_code, same.json()["number"]) == (202, 88)
    assert (other.status_code, of_another.status_code) == (409, 409)
    assert await _published(broker, job_id_for(1, key)) == [], "what is known need not be said again"


async def test_a_repeat_is_not_judged_again(gateway: RunningGateway) -> None:
    """The time it was to start at has come meanwhile; the first request stands."""
    client = await gateway.logged_in(USER)
    key = str(uuid4())
    soon = {**EXPORT, "run_at": (datetime.now(UTC) + timedelta(seconds=1.5)).isoformat()}
    first = await _submit(client, soon, key)  # waits two seconds for its number, which never comes

    repeat = await _submit(client, soon, key)
    fresh = await _submit(client, soon)

    assert (first.status_code, repeat.status_code) == (202, 202)
    assert (fresh.status_code, _fields(fresh)) == (422, ["run_at"])


FAULTY_BODIES: list[tuple[Any, list[str]]] = [
    ({"parameters": {}}, ["type"]),
    ({"type": "user-data-export"}, ["parameters"]),
    ({"type": "no-such-type", "parameters": {}}, ["type"]),
    ({"type": "No Slug", "parameters": {}}, ["type"]),
    ({"type": 5, "parameters": [], "reference": 7, "more": 1}, ["type", "parameters", "reference", "more"]),
    ({**EXPORT, "parameters": {"format": "odd", "file_type": 3}}, ["parameters.format", "parameters.file_type"]),
    ({**EXPORT, "parameters": {"format": "user", "colour": "red"}}, ["parameters.colour"]),
    ({**EXPORT, "parameters": {"export_group_id": 10**30}}, ["parameters.export_group_id"]),
    ({**EXPORT, "parameters": {"export_group_id": 12345}}, ["parameters.export_group_id"]),
    ({**EXPORT, "parameters": {"format": "hybrid"}}, ["parameters.hybrid_pages"]),
    ({**EXPORT, "parameters": {"query": {"profiles": ["x"]}}}, ["parameters.query.profiles[0]"]),
    ({**EXPORT, "reference": "x" * 161}, ["reference"]),
    ({**EXPORT, "reference": "two\nlines"}, ["reference"]),
    ({**EXPORT, "parameters": {"format": "us\0er"}}, ["parameters.format"]),
    ({**EXPORT, "run_at": "2020-01-01T00:00:00Z"}, ["run_at"]),
    ({**EXPORT, "run_at": "2099-01-01T00:00:00Z"}, ["run_at"]),
    ({**EXPORT, "run_at": "2099-01-01T00:00:00"}, ["run_at"]),
    ({**EXPORT, "run_at": "0001-01-01T00:00:00+14:00"}, ["run_at"]),
    ({**EXPORT, "run_at": "9999-12-31T23:59:59-14:00"}, ["run_at"]),
    ({**EXPORT, "run_at": "tomorrow"}, ["run_at"]),
    ({**EXPORT, "run_at": 1700000000}, ["run_at"]),
    ([], [""]),
]


async def test_every_field_at_fault_is_named(gateway: RunningGateway, subtests: pytest.Subtests) -> None:
    client = await gateway.logged_in(USER)
    for body, fields in FAULTY_BODIES:
        with subtests.test(body=body):
            response = await _submit(client, body)

            assert response.status_code == 422, response.text
            assert _fields(response) == fields
            assert all(error["detail"] for error in response.json()["errors"])
            assert await gateway.owner.fetchval("SELECT count(*) FROM gateway.submissions") == 0


NO_JSON: list[tuple[bytes, str, int]] = [
    (b"", "application/json", 400),
    (b"{", "application/json", 400),
    (b"{'type': 1}", "application/json", 400),
    (b'{"type": NaN}', "application/json", 400),
    (b'{"type": "\xff"}', "application/json", 400),
    (b'{"type": "\\ud800"}', "application/json", 400),
    (b"[" * 100_000, "application/json", 400),
    (b'{"type":"x","parameters":{}}', "text/plain", 415),
    (b"type=x", "application/x-www-form-urlencoded", 415),
    (b" " * 300_000, "application/json", 413),
]


async def test_what_is_no_json_of_fitting_size_is_refused(gateway: RunningGateway, subtests: pytest.Subtests) -> None:
    client = await gateway.logged_in(USER)
    for content, content_type, status in NO_JSON:
        with subtests.test(content=content):
            response = await client.post("/api/v1/jobs", content=content, headers={"content-type": content_type})

            assert response.status_code == status
            assert response.headers["content-type"] == "application/problem+json"
            assert response.json()["status"] == status


async def test_a_body_without_declared_length_is_bounded_too(gateway: RunningGateway) -> None:
    client = await gateway.logged_in(USER)

    async def too_long() -> AsyncIterator[bytes]:
        # Just over 256 KiB: of a client still sending, the system may drop the answer with the connection.
        for _ in range(27):
            yield b" " * 10_000

    response = await client.post("/api/v1/jobs", content=too_long(), headers={"content-type": "application/json"})

    assert response.status_code == 413


UNUSABLE_KEYS: list[str] = ["", "x" * 256, "with space", "ü"]


async def test_a_key_nobody_can_use_is_named(gateway: RunningGateway, subtests: pytest.Subtests) -> None:
    client = await gateway.logged_in(USER)
    for key in UNUSABLE_KEYS:
        with subtests.test(key=key):
            response = await client.post("/api/v1/jobs", json=EXPORT, headers=[(b"idempotency-key", key.encode())])

            assert response.status_code == 422
            assert [field.lower() for field in _fields(response)] == ["idempotency-key"]


async def test_without_the_permission_nothing_starts(gateway: RunningGateway) -> None:
    client = await gateway.logged_in(USER)
    await gateway.owner.execute("DELETE FROM crm.group_permissions WHERE group_id = 1 AND permission = 'export'")

    responses = [await client.post(f"/api/v1/{path}", json=EXPORT) for path in ("jobs", "job-preview")]
    offered = (await client.get("/api/v1/job-types")).json()["items"]
    (info,) = [job_type for job_type in offered if job_type["type"] == "user-data-export"]

    assert [response.status_code for response in responses] == [403, 403]
    assert "'export'" in responses[0].json()["detail"]
    assert info["may_start"] is False


async def test_a_preview_counts_this_account_only(gateway: RunningGateway) -> None:
    await gateway.owner.execute(
        "INSERT INTO crm.supporters (account_id, email) "
        "SELECT 1 + n % 3 % 2, n || '@example.org' FROM generate_series(1, 9) AS n"
    )
    client = await gateway.logged_in(USER)

    found = await client.post("/api/v1/job-preview", json=EXPORT)
    refused = await client.post("/api/v1/job-preview", json={**EXPORT, "parameters": {"export_group_id": 99}})

    assert found.json() == {"units": 6, "unit": "supporters", "warning": None}
    assert _fields(refused) == ["parameters.export_group_id"]
    assert refused.json()["type"] == "urn:jobmonitor:problem:unknown_export_group"


async def test_a_type_that_cannot_be_stopped_says_so(gateway: RunningGateway) -> None:
    job = await gateway.put_job(state="running")
    client = await gateway.logged_in(USER)

    response = await client.post(f"/api/v1/jobs/{job['number']}/stop")

    assert response.status_code == 409
    assert "cannot be stopped" in response.json()["detail"]


async def test_a_stop_is_published_and_shown(database: Any, broker: str, tmp_path: Any) -> None:
    async with running_gateway(database, broker, tmp_path, job_types=[StoppableExport()]) as gateway:
        job = await gateway.put_job(state="running", number=5)
        client = await gateway.logged_in(SUPER)

        async def project() -> None:
            """As the projection would, once it hears of the wish."""
            await until(lambda: _published(broker, job["job_id"]))
            await gateway.put_job(**{**job, "state": "stopping", "sequence": 2, "stop_requested_at": job["updated_at"]})

        before = (await client.get("/api/v1/jobs/5")).json()
        response, _ = await asyncio.gather(client.post("/api/v1/jobs/5/stop", json={}), project())
        again = await client.post("/api/v1/jobs/5/stop")

    assert (before["can_stop"], before["stop_requested"]) == (True, False)
    assert (response.status_code, response.json()["state"]) == (202, "stopping")
    assert (response.json()["can_stop"], response.json()["stop_requested"]) == (False, True)
    assert again.status_code == 202
    (event,) = await _published(broker, job["job_id"])
    assert event.data == JobStopRequested(account_id=1, requested_by=SUPER)


async def test_a_stop_nobody_answers_is_accepted_all_the_same(database: Any, broker: str, tmp_path: Any) -> None:
    async with running_gateway(database, broker, tmp_path, job_types=[StoppableExport()]) as gateway:
        await gateway.put_job(state="scheduled", number=6)
        response = await (await gateway.logged_in(USER)).post("/api/v1/jobs/6/stop")

    assert (response.status_code, response.json()["stop_requested"]) == (202, True)


@pytest.mark.parametrize("state", ["completed", "completed_with_errors", "failed", "cancelled"])
async def test_what_has_ended_cannot_be_stopped(database: Any, broker: str, tmp_path: Any, state: str) -> None:
    async with running_gateway(database, broker, tmp_path, job_types=[StoppableExport()]) as gateway:
        job = await gateway.put_job(state=state, view="history")
        response = await (await gateway.logged_in(USER)).post(f"/api/v1/jobs/{job['number']}/stop")

    assert response.status_code == 409
    assert "ended" in response.json()["detail"]
    assert await _published(broker, job["job_id"]) == []


async def test_an_account_whose_results_fill_its_share_is_warned_and_then_starts_nothing(
    database: Database, broker: str, tmp_path: Path
) -> None:
    async with running_gateway(database, broker, tmp_path, result_bytes_per_account=1000) as gateway:
        user, other = await gateway.logged_in(USER), await gateway.logged_in(OTHER_USER)
        await gateway.put_result(b"x" * 799)
        await gateway.put_result(b"x" * 5000, account_id=2, owner_id=OTHER_USER)
        quiet = await user.post("/api/v1/job-preview", json=EXPORT)
        refused = await _submit(other)
    async with running_gateway(database, broker, tmp_path, result_bytes_per_account=998) as gateway:
        user = await gateway.logged_in(USER)
        warned, taken = await user.post("/api/v1/job-preview", json=EXPORT), await _submit(user)

    assert quiet.json()["warning"] is None
    assert (refused.status_code, refused.json()["type"].rpartition(":")[2]) == (429, "store_full")
    assert int(refused.headers["retry-after"]) > 0
    assert "of results" in refused.json()["detail"]
    assert "Your account's results take" in warned.json()["warning"]
    assert taken.status_code == 202


@pytest.mark.parametrize(("kind", "status"), [("invalid", 422), ("conflict", 409), ("forbidden", 403)])
async def test_a_refusal_of_the_job_type_is_answered_by_its_kind(
    database: Database, broker: str, tmp_path: Path, kind: str, status: int
) -> None:
    asked = {"type": "probe", "parameters": {"refuse_as": kind}}
    async with running_gateway(database, broker, tmp_path, job_types=[Probe()]) as gateway:
        client = await gateway.logged_in(USER)
        responses = [await _submit(client, asked), await client.post("/api/v1/job-preview", json=asked)]
        noted = await gateway.owner.fetchval("SELECT count(*) FROM gateway.submissions")

    assert [response.status_code for response in responses] == [status, status]
    assert {response.json()["type"] for response in responses} == {"urn:jobmonitor:problem:asked_to_refuse"}
    assert all("The probe was asked to refuse." in response.json()["detail"] for response in responses)
    assert noted == 0


class Uncountable(Probe):
    async def count(self, params: ProbeParameters, context: Context) -> int:
        raise Refused("uncountable", "These units cannot be counted.", parameter="units")


async def test_a_refusal_while_units_are_counted_is_answered_too(
    database: Database, broker: str, tmp_path: Path
) -> None:
    async with running_gateway(database, broker, tmp_path, job_types=[Uncountable()]) as gateway:
        client = await gateway.logged_in(USER)
        response = await client.post("/api/v1/job-preview", json={"type": "probe", "parameters": {}})

    assert (response.status_code, _fields(response)) == (422, ["parameters.units"])
    assert response.json()["type"] == "urn:jobmonitor:problem:uncountable"
