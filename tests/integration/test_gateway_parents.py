"""A job and the jobs it started, as the gateway shows them to whoever may see them, and takes them from them."""

from typing import Any
from uuid import UUID, uuid4

from jobmonitor.contract.events import JobSubmitted
from support.engine import read_events
from support.gateway import ADMIN, OTHER_SUPER, SUPER, USER, RunningGateway

EXPORT: dict[str, Any] = {"type": "user-data-export", "parameters": {"format": "user"}}


def names(related: list[dict[str, Any]]) -> list[int]:
    return [job["number"] for job in related]


async def test_parent_and_children_name_each_other(gateway: RunningGateway) -> None:
    parent = await gateway.put_job(number=9, reference="Spring", state="running")
    await gateway.put_job(number=12, parent_job_id=parent["job_id"], state="queued")
    old = await gateway.put_job("history", number=11, parent_job_id=parent["job_id"], state="cancelled")
    await gateway.put_job(number=13)
    client = await gateway.logged_in(USER)

    above, below = [(await client.get(f"/api/v1/jobs/{number}")).json() for number in (9, 11)]

    assert (above["parent"], above["parent_job_id"], above["more_children"]) == (None, None, False)
    assert names(above["children"]) == [11, 12]
    assert above["children"][0] == {
        "id": str(old["job_id"]),
        "number": 11,
        "type": "user-data-export",
        "name": "User Data Export",
        "reference": None,
        "state": "cancelled",
    }
    assert (below["parent_job_id"], below["parent"]["number"]) == (str(parent["job_id"]), 9)
    assert (below["parent"]["reference"], below["parent"]["state"]) == ("Spring", "running")
    listed = (await client.get("/api/v1/jobs")).json()["items"]
    assert {item["number"]: item["parent_job_id"] for item in listed} == {
        9: None,
        12: str(parent["job_id"]),
        13: None,
    }


async def test_relatives_that_somebody_may_not_see_are_not_there_for_them(gateway: RunningGateway) -> None:
    parent = await gateway.put_job(number=9, owner_id=USER)
    child = await gateway.put_job(number=12, owner_id=ADMIN, parent_job_id=parent["job_id"])
    await gateway.put_job(number=13, owner_id=OTHER_SUPER, account_id=2, parent_job_id=parent["job_id"])

    user, admin, everybody = [await gateway.logged_in(user) for user in (USER, ADMIN, SUPER)]

    assert (await user.get("/api/v1/jobs/9")).json()["children"] == []
    assert (await admin.get(f"/api/v1/jobs/{child['job_id']}")).json()["parent"] is None
    assert names((await everybody.get("/api/v1/jobs/9")).json()["children"]) == [12]
    assert (await everybody.get("/api/v1/jobs/12")).json()["parent"]["number"] == 9


async def test_a_hundred_children_are_shown_and_that_there_are_more(gateway: RunningGateway) -> None:
    parent = await gateway.put_job(number=9)
    for number in range(100, 201):
        await gateway.put_job(number=number, parent_job_id=parent["job_id"], notify=False)

    details = (await (await gateway.logged_in(USER)).get("/api/v1/jobs/9")).json()

    assert (names(details["children"]), details["more_children"]) == (list(range(100, 200)), True)


async def test_a_job_can_be_started_as_the_child_of_one_that_is_seen(gateway: RunningGateway, broker: str) -> None:
    parent = await gateway.put_job(number=9, owner_id=USER)
    client = await gateway.logged_in(USER)

    answer = await client.post("/api/v1/jobs", json={**EXPORT, "parent_job_id": str(parent["job_id"])})

    assert answer.status_code == 202, answer.text
    job_id = UUID(answer.json()["id"])
    (published,) = [event for event in await read_events(broker, "requests.user-data-export") if event.job_id == job_id]
    assert isinstance(published.data, JobSubmitted)
    assert published.data.parent_job_id == parent["job_id"]


async def test_no_job_is_the_child_of_one_that_is_not_seen(gateway: RunningGateway) -> None:
    others = await gateway.put_job(number=9, owner_id=ADMIN)
    client = await gateway.logged_in(USER)

    for parent in (others["job_id"], uuid4()):
        answer = await client.post("/api/v1/jobs", json={**EXPORT, "parent_job_id": str(parent)})

        assert (answer.status_code, answer.json()["type"].rpartition(":")[2]) == (422, "unknown_parent")
        (error,) = answer.json()["errors"]
        assert (error["field"], error["detail"]) == ("parent_job_id", "There is no such job that you may see.")


async def test_a_key_stands_for_one_parent(gateway: RunningGateway) -> None:
    one, other = [(await gateway.put_job(number=number))["job_id"] for number in (9, 10)]
    client = await gateway.logged_in(USER)

    async def submit(parent: UUID) -> int:
        body, headers = {**EXPORT, "parent_job_id": str(parent)}, {"idempotency-key": "spring"}
        return (await client.post("/api/v1/jobs", json=body, headers=headers)).status_code

    assert [await submit(parent) for parent in (one, one, other)] == [202, 202, 409]
