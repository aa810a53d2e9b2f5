"""The monitor and the history: what is in them, in which order, for whom."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import msgspec
import pytest

from support.gateway import (
    ADMIN,
    NOON,
    OTHER_SUPER,
    OTHER_USER,
    SUPER,
    USER,
    RunningGateway,
    id_of,
    result_of,
)

WORKBOOK = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


async def _numbers(client: httpx2.AsyncClient, query: str = "") -> list[int]:
    response = await client.get(f"/api/v1/jobs{query}")
    assert response.status_code == 200, response.text
    return [job["number"] for job in response.json()["items"]]


async def test_a_job_is_shown_with_all_a_page_needs(gateway: RunningGateway) -> None:
    result = result_of(b"a\r\n1\r\n2\r\n", rows=2)
    job = await gateway.put_job(
        number=20_001,
        reference="Spring",
        state="completed_with_errors",
        sequence=7,
        started_at=NOON,
        completed_at=NOON + timedelta(minutes=3),
        done=3,
        total=3,
        unit="supporters",
        rejected=1,
        outcomes={"exported": 2, "refused": 1},
        result=msgspec.to_builtins(result),
    )
    client = await gateway.logged_in(USER)

    (item,) = (await client.get("/api/v1/jobs")).json()["items"]

    assert item == {
        "id": id_of(job),
        "number": 20_001,
        "type": "user-data-export",
        "name": "User Data Export",
        "reference": "Spring",
        "state": "completed_with_errors",
        "parent_job_id": None,
        "submitted_at": "2026-01-15T17:00:00Z",
        "scheduled_for": None,
        "started_at": "2026-01-15T17:00:00Z",
        "completed_at": "2026-01-15T17:03:00Z",
        "progress": {"done": 3, "total": 3, "percent": 100, "unit": "supporters"},
        "waits_for": None,
        "rejected": 1,
        "outcomes": {"exported": 2, "refused": 1},
        "failure": None,
        "result": {
            "kind": "file",
            "name": "J20001_user-data-export_20260115-1203.csv",
            "media_type": "text/csv; charset=utf-8",
            "extension": "csv",
            "size_bytes": 9,
            "rows": 2,
            "expires_at": msgspec.to_builtins(result.expires_at),
            "expired": False,
            "downloaded_at": None,
            "href": "/api/v1/jobs/20001/result",
        },
        "can_stop": False,
        "stop_requested": False,
        "owner": {"id": USER, "name": "Person 1"},
        "view": "monitor",
        "sequence": 7,
    }


async def test_a_failed_job_says_why_and_offers_a_report(gateway: RunningGateway) -> None:
    await gateway.put_job(
        number=20_002, state="failed", failure_code="csv_required", failure_reason="Too many rows.", completed_at=NOON
    )
    client = await gateway.logged_in(USER)

    (item,) = (await client.get("/api/v1/jobs")).json()["items"]

    assert item["failure"] == {"code": "csv_required", "reason": "Too many rows."}
    assert item["result"]["kind"] == "report"
    assert item["result"]["name"] == "J20002_user-data-export_20260115-1200.txt"
    assert item["result"]["expires_at"] is None


@pytest.mark.parametrize(
    ("viewer", "own", "others_of_account", "other_account"),
    [
        (USER, True, False, False),
        (ADMIN, False, False, False),
        (SUPER, True, True, False),
        (OTHER_USER, False, False, True),
        (OTHER_SUPER, False, False, True),
    ],
)
async def test_who_sees_whose_jobs(
    gateway: RunningGateway, viewer: int, own: bool, others_of_account: bool, other_account: bool
) -> None:
    of_user = await gateway.put_job(number=1, owner_id=USER)
    of_super = await gateway.put_job(number=2, owner_id=SUPER, view="history")
    foreign = await gateway.put_job(number=3, owner_id=OTHER_USER, account_id=2)
    client = await gateway.logged_in(viewer)

    listed = {*await _numbers(client), *await _numbers(client, "?view=history")}
    expected = {1: own, 2: others_of_account, 3: other_account}

    assert listed == {number for number, seen in expected.items() if seen}
    for job in (of_user, of_super, foreign):
        for name in (job["number"], id_of(job)):
            response = await client.get(f"/api/v1/jobs/{name}")
            assert response.status_code == (200 if expected[job["number"]] else 404)


async def test_a_foreign_job_cannot_be_told_from_none(gateway: RunningGateway) -> None:
    foreign = await gateway.put_result(b"secret", owner_id=OTHER_USER, account_id=2)
    of_colleague = await gateway.put_result(b"secret", owner_id=SUPER)
    client = await gateway.logged_in(USER)

    answers = []
    for name in (foreign["number"], id_of(foreign), of_colleague["number"], 999_999, "no-such-job", "9" * 40):
        for method, path in (("GET", ""), ("GET", "/result"), ("HEAD", "/result"), ("POST", "/stop")):
            response = await client.request(method, f"/api/v1/jobs/{name}{path}")
            headers = {key: value for key, value in response.headers.items() if key != "date"}
            answers.append((method, response.status_code, response.text, tuple(sorted(headers.items()))))

    assert {status for _, status, _, _ in answers} == {404}
    assert len(set(answers)) == 3, "one answer per method, whatever the job"


async def test_losing_a_role_shows_at_the_next_request(gateway: RunningGateway) -> None:
    await gateway.put_job(number=5, owner_id=USER)
    client = await gateway.logged_in(SUPER)
    assert await _numbers(client) == [5]

    await gateway.owner.execute("UPDATE crm.users SET user_type = 'admin' WHERE id = $1", SUPER)

    assert await _numbers(client) == []


async def test_without_the_permission_the_monitor_is_closed(gateway: RunningGateway) -> None:
    job = await gateway.put_job()
    client = await gateway.logged_in(USER)
    await gateway.owner.execute("UPDATE crm.users SET permission_group_id = 3 WHERE id = $1", USER)

    for path in ("/api/v1/jobs", f"/api/v1/jobs/{job['number']}", "/api/v1/jobs/999999", "/api/v1/jobs/stream"):
        response = await client.get(path)
        assert response.status_code == 403
        assert "permission" in response.json()["detail"]


async def test_newest_first_a_scheduled_job_by_its_planned_start(gateway: RunningGateway) -> None:
    for number, hours in ((1, 0), (2, 48), (3, 1), (4, 1)):
        await gateway.put_job(number=number, submitted_at=NOON + timedelta(hours=hours))
    client = await gateway.logged_in(USER)

    assert await _numbers(client) == [2, 4, 3, 1]


async def test_pages_follow_each_other_without_gap_or_repeat_while_jobs_arrive(gateway: RunningGateway) -> None:
    for number in range(1, 8):
        await gateway.put_job(number=number, submitted_at=NOON + timedelta(minutes=number // 2))
    client = await gateway.logged_in(USER)

    seen: list[int] = []
    page: dict[str, Any] = {"next": ""}
    while page["next"] is not None:
        after = f"&after={page['next']}" if page["next"] else ""
        page = (await client.get(f"/api/v1/jobs?limit=3{after}")).json()
        seen += [job["number"] for job in page["items"]]
        await gateway.put_job(number=100 + len(seen), submitted_at=NOON + timedelta(days=1))

    assert seen == [7, 6, 5, 4, 3, 2, 1]


async def test_filters_and_counts(gateway: RunningGateway) -> None:
    later = datetime.now(UTC) + timedelta(days=2)
    await gateway.put_job(number=1, state="scheduled", run_at=later)
    await gateway.put_job(number=2, state="queued")
    await gateway.put_job(number=3, state="running", done=1, total=2)
    await gateway.put_job(number=4, state="stopping", done=1, total=2)
    await gateway.put_result(b"x", number=5)
    await gateway.put_job(number=6, state="failed", failure_code="x", failure_reason="y")
    await gateway.put_result(b"x", number=7, expired_at=NOON)
    await gateway.put_job(number=8, owner_id=SUPER)
    client = await gateway.logged_in(USER)

    found = {state: set(await _numbers(client, f"?state={state}")) for state in ("running", "scheduled", "ready")}
    counts = (await client.get("/api/v1/jobs?state=ready&q=nothing")).json()["counts"]

    assert found == {"running": {2, 3, 4}, "scheduled": {1}, "ready": {5, 6}}
    assert counts == {"all": 7, "running": 3, "scheduled": 1, "ready": 2}


async def test_search_looks_in_number_reference_and_type(gateway: RunningGateway) -> None:
    await gateway.put_job(number=12_345, reference="100% of Spring_appeal")
    await gateway.put_job(number=54_321, reference=None)
    client = await gateway.logged_in(USER)

    assert await _numbers(client, "?q=spring") == [12_345]
    assert await _numbers(client, "?q=123") == [12_345]
    assert await _numbers(client, "?q=%2354") == [54_321]
    assert await _numbers(client, "?q=100%25") == [12_345]
    assert await _numbers(client, "?q=1%25") == [], "wildcards are letters like all others"
    assert await _numbers(client, "?q=g_a") == [12_345]
    assert await _numbers(client, "?q=data+export") == [54_321, 12_345]
    assert await _numbers(client, "?q=+") == [54_321, 12_345]


UNUSABLE_QUERIES: list[tuple[str, str]] = [
    ("view=nowhere", "view"),
    ("limit=0", "limit"),
    ("limit=201", "limit"),
    ("limit=many", "limit"),
    ("after=nonsense", "after"),
    ("after=WyIwMDAxLTAxLTAxVDAwOjAwOjAwKzIzOjU5IiwxXQ", "after"),
    ("state=odd", "state"),
    ("q=%00", "q"),
]


async def test_query_parameters_that_cannot_be_used_are_named(
    gateway: RunningGateway, subtests: pytest.Subtests
) -> None:
    client = await gateway.logged_in(USER)
    for query, field in UNUSABLE_QUERIES:
        with subtests.test(query=query):
            response = await client.get(f"/api/v1/jobs?{query}")

            assert response.status_code == 422
            assert response.headers["content-type"] == "application/problem+json"
            assert [error["field"] for error in response.json()["errors"]] == [field]


async def test_one_job_comes_with_its_timeline(gateway: RunningGateway) -> None:
    job = await gateway.put_job(number=9)
    happened = [("job_submitted", 0, None), ("job_started", 2, 2), ("job_queued", 1, 1), ("job_progressed", 3, 3)]
    for kind, seconds, sequence in happened:
        await gateway.owner.execute(
            "INSERT INTO projection.job_timeline "
            "(job_id, event_id, account_id, owner_id, type, slot, at, sequence, data) "
            "VALUES ($1, $2, 1, $3, $2, $4, $5, $6, '{}')",
            *(job["job_id"], kind, USER, seconds, NOON + timedelta(seconds=seconds), sequence),
        )
    client = await gateway.logged_in(USER)

    by_number = (await client.get("/api/v1/jobs/9")).json()

    assert [entry["type"] for entry in by_number["timeline"]] == ["job_submitted", "job_queued", "job_started"]
    assert (await client.get(f"/api/v1/jobs/{id_of(job)}")).json() == by_number


async def test_a_job_says_what_it_waits_for_in_lists_and_in_its_timeline(gateway: RunningGateway) -> None:
    job = await gateway.put_job(number=9, state="running", waits_for="the mail server")
    await gateway.owner.executemany(
        "INSERT INTO projection.job_timeline (job_id, event_id, account_id, owner_id, type, slot, at, sequence, data) "
        "VALUES ($1, $2, 1, $3, 'job_waiting', $4::int, now() + $4::int * interval '1 s', $4::int, $5)",
        [(job["job_id"], "w1", USER, 3, {"waits_for": "the mail server"}), (job["job_id"], "w2", USER, 4, {})],
    )
    client = await gateway.logged_in(USER)

    (item,) = (await client.get("/api/v1/jobs")).json()["items"]
    timeline = (await client.get("/api/v1/jobs/9")).json()["timeline"]

    assert item["waits_for"] == "the mail server"
    assert [(entry["type"], entry["waits_for"]) for entry in timeline] == [
        ("job_waiting", "the mail server"),
        ("job_waiting", None),
    ]


async def test_the_timeline_says_why_a_request_was_refused(gateway: RunningGateway) -> None:
    job = await gateway.put_job(number=9)
    reason = "Jobs of this type cannot be stopped; they end by themselves."
    await gateway.owner.executemany(
        "INSERT INTO projection.job_timeline (job_id, event_id, account_id, owner_id, type, slot, at, sequence, data) "
        "VALUES ($1, $2, 1, $3, $2, $4::int, now(), $4::int, $5)",
        [
            (job["job_id"], "job_queued", USER, 1, {"reason": "of nothing refused"}),
            (job["job_id"], "request_rejected", USER, 2, {"request": "stop", "reason": reason}),
        ],
    )

    timeline = (await (await gateway.logged_in(USER)).get("/api/v1/jobs/9")).json()["timeline"]

    assert [(entry["type"], entry["reason"]) for entry in timeline] == [
        ("job_queued", None),
        ("request_rejected", reason),
    ]


async def test_nobody_reads_anything_without_logging_in(gateway: RunningGateway) -> None:
    job = await gateway.put_result(b"x")
    paths = ["", "/stream", f"/{job['number']}", f"/{job['number']}/result"]

    answers = [await gateway.visitor().get(f"/api/v1/jobs{path}") for path in paths]

    assert [answer.status_code for answer in answers] == [401] * len(paths)


async def test_the_forms_get_what_they_need(gateway: RunningGateway) -> None:
    await gateway.owner.execute(
        "INSERT INTO crm.export_groups (id, account_id, name) VALUES (1, 1, 'Short'), (2, 2, 'Foreign')"
    )
    client = await gateway.logged_in(USER)

    job_types = (await client.get("/api/v1/job-types")).json()["items"]
    (job_type,) = [each for each in job_types if each["type"] == "user-data-export"]
    options = (await client.get("/api/v1/job-types/user-data-export/options")).json()

    assert {key: job_type[key] for key in ("type", "name", "stoppable", "permission", "may_start")} == {
        "type": "user-data-export",
        "name": "User Data Export",
        "stoppable": False,
        "permission": "export",
        "may_start": True,
    }
    assert "format" in str(job_type["parameters_schema"])
    assert job_type["upload"] is None
    assert [each["upload"] for each in job_types if each["type"] == "user-data-import"] == [
        {"endings": ["csv", "xlsx"], "media_types": {"csv": "text/csv", "xlsx": WORKBOOK}, "bytes_at_most": 20_971_520}
    ]
    assert options["export_groups"] == [{"id": 1, "name": "Short", "fields": []}]
    assert set(options) == {"export_groups", "profiles", "pages", "questions", "broadcasts"}
