"""Whatever one row of the view holds, it is shown, or left out alone: nobody else's jobs go with it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from support.gateway import NOON, SUPER, USER, RunningGateway, result_of
from support.pages import open_page

FIRST_MOMENT = datetime(1, 1, 1, 0, 0, 1, tzinfo=UTC)
LAST_MOMENT = datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)
MOMENTS = ("submitted_at", "run_at", "started_at", "completed_at", "updated_at")
SHOWN: dict[str, dict[str, Any]] = {
    "the first moment": dict.fromkeys(MOMENTS, FIRST_MOMENT),
    "the last moment": dict.fromkeys(MOMENTS, LAST_MOMENT),
    "infinity": dict.fromkeys(MOMENTS, datetime.max.replace(tzinfo=UTC)),
    "minus infinity": dict.fromkeys(MOMENTS, datetime.min.replace(tzinfo=UTC)),
}
UNREADABLE: dict[str, dict[str, Any]] = {
    "a state of another version": {"state": "resting"},
    "a result of another shape": {"state": "completed", "result": {"where": "there"}},
}


@pytest.mark.parametrize("columns", SHOWN.values(), ids=SHOWN)
async def test_a_failed_job_at_the_ends_of_time_is_shown_and_has_a_report(
    gateway: RunningGateway, columns: dict[str, Any]
) -> None:
    await gateway.owner.execute("ALTER TABLE projection.job_monitor DROP CONSTRAINT IF EXISTS job_monitor_finite")
    client = await gateway.logged_in(USER)
    async with open_page(client) as page:
        odd = await gateway.put_job(state="failed", failure_code="x", failure_reason="Odd.", **columns)
        other = await gateway.put_job(owner_id=USER)
        await page.until_number(other["number"])
        await page.until_number(odd["number"])

    listed = (await client.get("/api/v1/jobs")).json()["items"]
    single = await client.get(f"/api/v1/jobs/{odd['number']}")
    report = await client.get(f"/api/v1/jobs/{odd['number']}/result")

    assert {odd["number"], other["number"]} == {each["number"] for each in listed}
    assert single.status_code == 200
    assert (report.status_code, "Odd." in report.text) == (200, True)


@pytest.mark.parametrize("columns", UNREADABLE.values(), ids=UNREADABLE)
async def test_a_row_nobody_can_read_hides_no_other(gateway: RunningGateway, columns: dict[str, Any]) -> None:
    client = await gateway.logged_in(SUPER)
    async with open_page(client) as page:
        await gateway.put_job(**columns)
        other = await gateway.put_job(owner_id=USER)
        await page.until_number(other["number"])

    assert page.numbers == [other["number"]]
    assert [each["number"] for each in (await client.get("/api/v1/jobs")).json()["items"]] == [other["number"]]


async def test_a_result_that_expires_at_the_last_moment_there_is_is_offered(gateway: RunningGateway) -> None:
    result = msgspec.to_builtins(result_of(b"x", expires_at=datetime(2099, 12, 31, 23, 59, 59, tzinfo=UTC)))
    job = await gateway.put_job(state="completed", completed_at=NOON + timedelta(minutes=5), result=result)
    client = await gateway.logged_in(USER)

    assert (await client.get(f"/api/v1/jobs/{job['number']}")).json()["result"]["expired"] is False
