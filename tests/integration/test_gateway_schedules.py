"""Schedules over HTTP: who may add, see and change them, what is refused and why, what starting one at once does."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import httpx2
import pytest

from jobmonitor.contract.events import JobSubmitted
from jobmonitor.contract.job_ids import job_id_for
from support.engine import read_events
from support.gateway import ADMIN, OTHER_SUPER, SUPER, USER, RunningGateway, running_gateway
from support.schedules import SYSTEM, add_schedules, nightly, stored
from support.servers import Database

NIGHTLY: dict[str, Any] = {
    "name": "Nightly",
    "type": "user-data-export",
    "parameters": {"format": "user"},
    "time": "03:00",
}


async def _add(client: httpx2.AsyncClient, **changes: Any) -> httpx2.Response:
    wish = NIGHTLY | changes
    return await client.post("/api/v1/schedules", json={key: value for key, value in wish.items() if value is not None})


async def _names(client: httpx2.AsyncClient) -> list[str]:
    return [item["name"] for item in (await client.get("/api/v1/schedules")).json()["items"]]


async def test_an_added_schedule_is_listed_with_its_next_time(gateway: RunningGateway) -> None:
    client = await gateway.logged_in(USER)
    added = await _add(client, time_zone="Europe/London", reference=" Staging ")
    assert added.status_code == 201
    (listed,) = (await client.get("/api/v1/schedules")).json()["items"]
    assert listed == added.json()
    assert (listed["owner"], listed["paused"], listed["problem"]) == ({"id": USER, "name": "Person 1"}, False, None)
    assert (listed["reference"], listed["weekdays"], listed["month_day"], listed["last_job"]) == (
        "Staging",
        *[None] * 3,
    )
    next_at = datetime.fromisoformat(listed["next_at"])
    assert next_at > datetime.now(UTC)
    assert f"{next_at.astimezone(ZoneInfo('Europe/London')):%Y-%m-%d %H:%M}" == f"{listed['next_date']} 03:00"


async def test_days_and_a_zone_can_be_chosen_and_the_accounts_zone_is_taken_where_none_is(
    gateway: RunningGateway,
) -> None:
    client = await gateway.logged_in(USER)
    weekly = (await _add(client, name="Weekly", weekdays=["friday", "monday"])).json()
    assert (weekly["weekdays"], weekly["time_zone"]) == (["monday", "friday"], "America/New_York")
    assert datetime.fromisoformat(weekly["next_date"]).isoweekday() in (1, 5)
    monthly = (await _add(client, name="Monthly", month_day=31)).json()
    assert (datetime.fromisoformat(monthly["next_date"]) + timedelta(days=1)).day == 1


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"time_zone": "Mars/Olympus"}, "time_zone"),
        ({"time_zone": "EST5EDT"}, "time_zone"),
        ({"time": "24:00"}, "time"),
        ({"weekdays": []}, "weekdays"),
        ({"month_day": 32}, "month_day"),
        ({"month_day": 1, "weekdays": ["monday"]}, "month_day"),
        ({"parameters": {"format": "no such"}}, "parameters.format"),
        ({"date_parameter": "no_such"}, "parameters.no_such"),
        ({"reference": "two\nlines"}, "reference"),
        ({"name": "two\nlines"}, "name"),
        ({"type": "no-such-type"}, "type"),
    ],
)
async def test_what_cannot_be_is_refused_with_the_field(
    gateway: RunningGateway, changes: dict[str, Any], field: str
) -> None:
    refused = await _add(await gateway.logged_in(USER), **changes)
    assert refused.status_code == 422
    assert [error["field"] for error in refused.json()["errors"]] == [field]


async def test_a_type_that_reads_a_sent_file_cannot_start_by_itself(importer: httpx2.AsyncClient) -> None:
    refused = await _add(importer, type="user-data-import")
    assert refused.status_code == 422
    assert "cannot start by themselves" in refused.json()["detail"]


async def test_it_needs_what_starting_a_job_does_and_a_super_admin_for_the_system_user(
    gateway: RunningGateway,
) -> None:
    user, admin, boss = [await gateway.logged_in(each) for each in (USER, ADMIN, SUPER)]
    for client in (user, admin):
        refused = await _add(client, owner="system")
        assert (refused.status_code, refused.json()["type"]) == (403, "urn:jobmonitor:problem:not_permitted")
    added = await _add(boss, owner="system")
    assert added.json()["owner"] == {"id": SYSTEM, "name": "System"}
    await gateway.owner.execute("DELETE FROM crm.group_permissions WHERE permission = 'export'")
    assert (await _add(await gateway.logged_in(USER), name="Mine")).status_code == 403


async def test_who_does_not_see_the_jobs_sees_no_schedule_and_changes_none(gateway: RunningGateway) -> None:
    user, admin, boss, other = [await gateway.logged_in(each) for each in (USER, ADMIN, SUPER, OTHER_SUPER)]
    mine = (await _add(user)).json()["id"]
    systems = (await _add(boss, name="System's", owner="system")).json()["id"]
    assert (await _names(user), await _names(admin), await _names(other)) == (["Nightly"], [], [])
    assert await _names(boss) == ["Nightly", "System's"]
    for client, schedule in ((admin, mine), (other, mine), (user, systems), (user, uuid4()), (user, "nonsense")):
        for answer in (
            await client.post(f"/api/v1/schedules/{schedule}/pause"),
            await client.post(f"/api/v1/schedules/{schedule}/resume"),
            await client.post(f"/api/v1/schedules/{schedule}/run"),
            await client.delete(f"/api/v1/schedules/{schedule}"),
        ):
            assert answer.status_code == 404
    assert (await boss.post(f"/api/v1/schedules/{mine}/pause")).json()["paused"] is True


async def test_a_name_stands_for_one_schedule_of_its_owner(gateway: RunningGateway) -> None:
    user, boss = await gateway.logged_in(USER), await gateway.logged_in(SUPER)
    assert [(await _add(client)).status_code for client in (user, user, boss)] == [201, 409, 201]


async def test_an_account_has_so_many_schedules_and_no_more(database: Database, broker: str, tmp_path: Path) -> None:
    async with running_gateway(database, broker, tmp_path, schedules_per_account=2) as gateway:
        user, boss, other = [await gateway.logged_in(each) for each in (USER, SUPER, OTHER_SUPER)]
        for client, status in ((user, 201), (boss, 201), (user, 429), (other, 201)):
            assert (await _add(client, name=str(uuid4()))).status_code == status


async def test_a_paused_schedule_goes_on_with_the_next_date_and_one_that_was_not_stays_where_it_is(
    gateway: RunningGateway,
) -> None:
    boss = await gateway.logged_in(SUPER)
    schedule = nightly(id=uuid4(), job_type="user-data-export", parameters={})
    await add_schedules(gateway.owner, schedule)
    for _ in range(2):
        resumed = (await boss.post(f"/api/v1/schedules/{schedule.id}/resume")).json()
        assert resumed["next_date"] == str(schedule.next_date), "it is due: it must not be passed over"
    for _ in range(2):
        paused = (await boss.post(f"/api/v1/schedules/{schedule.id}/pause")).json()
        assert (paused["paused"], paused["next_date"]) == (True, str(schedule.next_date))
    resumed = (await boss.post(f"/api/v1/schedules/{schedule.id}/resume")).json()
    assert resumed["paused"] is False
    assert datetime.fromisoformat(resumed["next_at"]) > datetime.now(UTC)


async def test_started_at_once_it_is_a_job_of_its_owner_and_the_next_date_stays(
    gateway: RunningGateway, broker: str
) -> None:
    boss = await gateway.logged_in(SUPER)
    added = (await _add(boss, owner="system", reference="Staging")).json()
    path, headers = f"/api/v1/schedules/{added['id']}", {"idempotency-key": "k"}
    started = await boss.post(f"{path}/run", headers=headers)
    again = await boss.post(f"{path}/run", headers=headers)
    other = await boss.post(f"{path}/run")

    assert [each.status_code for each in (started, again, other)] == [202] * 3
    job_id = UUID(started.json()["id"])
    assert job_id == UUID(again.json()["id"]) == job_id_for(1, f"schedule:{added['id']}:now:k")
    assert job_id != UUID(other.json()["id"])
    (data, *_) = [each.data for each in await read_events(broker, "requests.user-data-export") if each.job_id == job_id]
    assert isinstance(data, JobSubmitted)
    assert (data.account_id, data.owner_id, data.reference) == (1, SYSTEM, "Staging")
    after = await stored(gateway.owner)
    assert (str(after.next_date), after.last_job_id) == (added["next_date"], UUID(other.json()["id"]))
    seen = (await boss.get(f"/api/v1/jobs/{job_id}")).json()
    assert seen["owner"] == {"id": SYSTEM, "name": "System"}


async def test_the_list_shows_the_last_job_and_what_stands_against_the_next(gateway: RunningGateway) -> None:
    boss = await gateway.logged_in(SUPER)
    job = await gateway.put_job(owner_id=SYSTEM, state="running")
    await add_schedules(
        gateway.owner,
        nightly(id=uuid4(), name="A", job_type="user-data-export", parameters={}, last_job_id=job["job_id"]),
        nightly(id=uuid4(), name="B", job_type="gone"),
        nightly(id=uuid4(), name="C", job_type="user-data-export", parameters={"format": "old"}),
    )
    items = (await boss.get("/api/v1/schedules")).json()["items"]
    last = items[0]["last_job"]
    assert (last["number"], last["state"]) == (job["number"], "running")
    assert [item["last_job"] for item in items[1:]] == [None, None]
    assert items[0]["problem"] is None
    assert items[1]["problem"] == "There is no job type 'gone'."
    assert items[2]["problem"].startswith("The parameters no longer fit. format: ")


async def test_a_removed_schedule_is_gone(gateway: RunningGateway) -> None:
    client = await gateway.logged_in(USER)
    path = f"/api/v1/schedules/{(await _add(client)).json()['id']}"
    assert [(await client.delete(path)).status_code for _ in range(2)] == [204, 404]
    assert await _names(client) == []
