"""The live stream: who hears of what, how soon, and that it ends with the session."""

import asyncio
import time
from pathlib import Path

from support.gateway import NOON, OTHER_USER, SUPER, USER, RunningGateway, running_gateway
from support.pages import open_page
from support.servers import Database
from support.waiting import until

LOGOUT_WITHIN_S = 5.0
FRAME_WITHIN_S = 0.3


async def test_a_change_is_pushed_as_the_list_would_show_it(gateway: RunningGateway) -> None:
    client = await gateway.logged_in(USER)
    async with open_page(client) as page:
        await gateway.put_job(number=1, state="running", done=45, total=100, started_at=NOON, sequence=9)
        await page.until_number(1)

    (listed,) = (await client.get("/api/v1/jobs")).json()["items"]
    assert page.events == [("ready", {}), ("job", listed)]
    assert listed["progress"] == {"done": 45, "total": 100, "percent": 45, "unit": "supporters"}


async def test_frames_come_soon_after_the_change(gateway: RunningGateway) -> None:
    """From the commit that changed the view to the frame; the median of twenty: one slow moment says nothing."""
    job = await gateway.put_job(number=1)
    delays_s = []
    async with open_page(await gateway.logged_in(USER)) as page:
        for sequence in range(2, 22):
            await gateway.put_job(**{**job, "sequence": sequence})
            committed_s = time.perf_counter()
            while not any(data.get("sequence") == sequence for _, data in page.events):  # noqa: ASYNC110 - it is timed
                await asyncio.sleep(0.001)
            delays_s.append(time.perf_counter() - committed_s)

    assert sorted(delays_s)[len(delays_s) // 2] < FRAME_WITHIN_S


async def test_everybody_hears_of_what_they_may_see_and_of_nothing_else(gateway: RunningGateway) -> None:
    viewers = {who: await gateway.logged_in(who) for who in (USER, SUPER, OTHER_USER)}
    async with (
        open_page(viewers[USER]) as of_user,
        open_page(viewers[SUPER]) as of_super,
        open_page(viewers[OTHER_USER]) as of_other,
    ):
        await gateway.put_job(number=1, owner_id=USER)
        await gateway.put_job(number=2, owner_id=SUPER)
        await gateway.put_job(number=3, owner_id=OTHER_USER, account_id=2)
        await gateway.put_job(number=4, owner_id=USER)
        await gateway.put_job(number=5, owner_id=OTHER_USER, account_id=2)
        for page, numbers in ((of_user, (1, 4)), (of_super, (1, 2, 4)), (of_other, (3, 5))):
            for number in numbers:
                await page.until_number(number)

    assert [sorted(page.numbers) for page in (of_user, of_super, of_other)] == [[1, 4], [1, 2, 4], [3, 5]]


async def test_a_job_that_left_for_the_history_is_pushed_with_its_new_place(gateway: RunningGateway) -> None:
    job = await gateway.put_result(b"x", number=7)
    async with open_page(await gateway.logged_in(USER)) as page:
        await gateway.put_job("history", **{**job, "downloaded_at": NOON, "sequence": 9})
        await page.until_number(7)

    _, pushed = page.events[-1]
    assert (pushed["view"], pushed["sequence"]) == ("history", 9)


async def test_a_burst_is_pushed_completely_and_newest_last(gateway: RunningGateway) -> None:
    async with open_page(await gateway.logged_in(USER)) as page:
        jobs = [await gateway.put_job(number=number, notify=False) for number in range(100, 120)]
        async with gateway.owner.transaction():
            for sequence in range(2, 12):
                for job in jobs:
                    await gateway.put_job(**{**job, "sequence": sequence})

        def latest() -> dict[int, int]:
            return {data["number"]: data["sequence"] for name, data in page.events if name == "job"}

        async def complete() -> bool:
            return latest() == dict.fromkeys(range(100, 120), 11)

        await until(complete, within_s=10)
    assert not page.heard("reset")


async def test_logging_out_ends_the_stream(gateway: RunningGateway) -> None:
    client = await gateway.logged_in(USER)
    async with open_page(client) as page:
        await client.delete("/api/v1/session")
        await page.until_heard("ended", within_s=LOGOUT_WITHIN_S)
        await gateway.put_job(number=1)

        async def over() -> bool:
            return page.ended

        await until(over, within_s=LOGOUT_WITHIN_S)

    assert page.numbers == []


async def test_a_session_ended_elsewhere_ends_the_stream_in_time(gateway: RunningGateway) -> None:
    """By another gateway, or by hand: this process was not told."""
    async with open_page(await gateway.logged_in(USER)) as page:
        await gateway.owner.execute("DELETE FROM gateway.sessions")
        await page.until_heard("ended", within_s=LOGOUT_WITHIN_S)


async def test_losing_the_role_ends_seeing_others_jobs_in_time(gateway: RunningGateway) -> None:
    job = await gateway.put_job(number=1, owner_id=USER)
    async with open_page(await gateway.logged_in(SUPER)) as page:
        await gateway.put_job(**{**job, "sequence": 2})
        await page.until_number(1)
        await gateway.owner.execute("UPDATE crm.users SET user_type = 'admin' WHERE id = $1", SUPER)
        await page.until_heard("reset", within_s=LOGOUT_WITHIN_S)
        heard = len(page.numbers)
        await gateway.put_job(**{**job, "sequence": 3})
        await gateway.put_job(number=2, owner_id=SUPER)
        await page.until_number(2)

    assert page.numbers[heard:] == [2]


async def test_losing_the_monitor_or_the_account_ends_the_stream(gateway: RunningGateway) -> None:
    async with (
        open_page(await gateway.logged_in(USER)) as of_user,
        open_page(await gateway.logged_in(SUPER)) as of_super,
    ):
        await gateway.owner.execute("UPDATE crm.users SET permission_group_id = 3 WHERE id = $1", USER)
        await gateway.owner.execute("UPDATE crm.users SET active = false WHERE id = $1", SUPER)
        await of_user.until_heard("ended", within_s=LOGOUT_WITHIN_S)
        await of_super.until_heard("ended", within_s=LOGOUT_WITHIN_S)


async def test_a_page_that_leaves_is_forgotten(gateway: RunningGateway) -> None:
    async def open_streams() -> str:
        text = (await gateway.visitor().get("/metrics")).text
        return next(line for line in text.splitlines() if line.startswith("jobmonitor_gateway_open_streams "))

    client = await gateway.logged_in(USER)
    async with open_page(client):
        assert (await open_streams()).endswith(" 1.0")

    async def none_open() -> bool:
        return (await open_streams()).endswith(" 0.0")

    await until(none_open, within_s=10)


async def test_a_lost_listener_comes_back_and_tells_pages_to_load_afresh(gateway: RunningGateway) -> None:
    async with open_page(await gateway.logged_in(USER)) as page:
        await gateway.owner.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE application_name = 'jobmonitor-gateway-listener' AND datname = current_database()"
        )
        await page.until_heard("reset")
        await gateway.put_job(number=1)
        await page.until_number(1)


async def test_the_stream_is_one_that_proxies_let_through(gateway: RunningGateway) -> None:
    client = await gateway.logged_in(USER)

    async with client.stream("GET", "/api/v1/jobs/stream") as response:
        headers = response.headers

    assert headers["content-type"].startswith("text/event-stream")
    assert headers["x-accel-buffering"] == "no"
    assert headers["cache-control"] == "no-store"


async def test_beyond_the_limit_of_open_pages_there_is_a_clear_answer(
    database: Database, broker: str, tmp_path: Path
) -> None:
    async with running_gateway(database, broker, tmp_path, streams_at_most=1) as gateway:
        client = await gateway.logged_in(USER)
        async with open_page(client):
            refused = await client.get("/api/v1/jobs/stream")

    assert refused.status_code == 503
    assert refused.headers["content-type"] == "application/problem+json"
