"""The details of a job name the job that started it and those it has started; what a job waits for."""

from typing import Any
from uuid import uuid4

import pytest
from playwright.async_api import expect

from jobmonitor.contract.envelope import Event
from support.accessibility import findings
from support.browser import ADMIN, DESKTOP, PHONE, HasAddress, OpenPage, Visit
from support.job_events import JobEvents
from support.page_jobs import number_of, tell

ADMIN_ID = 2


class Stack(HasAddress):
    kafka_bootstrap: str


async def _numbers(visit: Visit, *jobs: JobEvents) -> list[int]:
    return [await number_of(visit.page.context.request, visit.base_url, job.job_id) for job in jobs]


def _parent_and_child() -> tuple[JobEvents, JobEvents]:
    return JobEvents(owner_id=ADMIN_ID), JobEvents(owner_id=ADMIN_ID)


def _queued(job: JobEvents, **asked: Any) -> Event:
    """Its first fact, which tells what was asked. No worker hears of it: the job stays as it is told."""
    job.submitted(**asked)
    return job.queued()


@pytest.mark.parametrize(("theme", "size"), [("light", DESKTOP), ("dark", PHONE)], ids=["desktop", "phone"])
async def test_parent_and_child_lead_to_each_other(
    open_page: OpenPage, stack: Stack, theme: str, size: tuple[int, int]
) -> None:
    parent, child = _parent_and_child()
    begun = [_queued(parent, reference="Spring"), parent.started()]
    begun += [_queued(child, reference="The winner", parent_job_id=parent.job_id)]
    await tell(stack.kafka_bootstrap, begun)
    visit = await open_page(ADMIN, theme=theme, size=size)  # type: ignore[arg-type]
    above, below = await _numbers(visit, parent, child)
    dialog = visit.page.get_by_role("dialog")

    await visit.go(f"/?job={above}")
    await expect(dialog).to_contain_text(f"Job {below} The winner \u00b7 Waiting for its turn")
    assert await findings(visit.page) == [], "the parent"
    await dialog.get_by_role("link", name=f"Job {below}").click()
    await expect(dialog.get_by_role("heading", name=f"Job {below}")).to_be_focused()
    await expect(dialog).to_contain_text(f"Job {above} Spring \u00b7 Running")
    assert await findings(visit.page) == [], "the child"

    await dialog.get_by_role("link", name=f"Job {above}").press("Enter")
    await expect(dialog.get_by_role("heading", name=f"Job {above}")).to_be_focused()
    await visit.page.go_back()
    await expect(dialog.get_by_role("heading", name=f"Job {below}")).to_be_visible()
    await visit.page.keyboard.press("Escape")
    await expect(dialog).to_have_count(0)


async def test_the_details_follow_the_children_live(open_page: OpenPage, stack: Stack) -> None:
    parent, child = _parent_and_child()
    await tell(stack.kafka_bootstrap, [_queued(parent), parent.started()])
    visit = await open_page(ADMIN)
    (above,) = await _numbers(visit, parent)
    await visit.go(f"/?job={above}")
    await visit.live()
    dialog = visit.page.get_by_role("dialog")
    await expect(dialog.get_by_role("heading", name="What happened")).to_be_visible()
    await expect(dialog).not_to_contain_text("Has started")

    await tell(stack.kafka_bootstrap, [_queued(child, parent_job_id=parent.job_id)])
    (below,) = await _numbers(visit, child)
    await expect(dialog).to_contain_text(f"Job {below} User Data Export \u00b7 Waiting for its turn")
    await tell(stack.kafka_bootstrap, [child.started(), child.completed()])
    await expect(dialog).to_contain_text(f"Job {below} User Data Export \u00b7 Completed")


async def test_a_parent_of_another_account_is_not_named(open_page: OpenPage, stack: Stack) -> None:
    stranger = JobEvents(account_id=2, owner_id=5)
    await tell(stack.kafka_bootstrap, [_queued(stranger)])
    for parent_job_id in (stranger.job_id, uuid4()):
        child = JobEvents(owner_id=ADMIN_ID)
        await tell(stack.kafka_bootstrap, [child.submitted(parent_job_id=parent_job_id)])
        visit = await open_page(ADMIN)
        (number,) = await _numbers(visit, child)
        await visit.go(f"/?job={number}")
        dialog = visit.page.get_by_role("dialog")
        await expect(dialog).to_contain_text("is not a job of this account.")
        await expect(dialog).not_to_contain_text("Started by")


async def test_a_job_says_what_it_waits_for_until_it_goes_on(open_page: OpenPage, stack: Stack) -> None:
    job = JobEvents(owner_id=ADMIN_ID, total=12_345)
    begun = [_queued(job), job.started(), job.progressed(7_777), job.waiting("the mail server")]
    await tell(stack.kafka_bootstrap, begun)
    visit = await open_page(ADMIN)
    (number,) = await _numbers(visit, job)
    await visit.live()
    row, dialog = visit.row(number), visit.page.get_by_role("dialog")

    await expect(row).to_contain_text("Waits for the mail server")
    box = await row.bounding_box()
    assert box is not None
    assert box["height"] <= 65, f"the row is {box['height']} px high"
    await visit.go(f"/?job={number}")
    await expect(dialog.locator(".details-state")).to_contain_text("Waits for the mail server")
    await expect(dialog.get_by_role("list")).to_contain_text("Waits for the mail server")
    assert await findings(visit.page) == []

    await tell(stack.kafka_bootstrap, [job.progressed(8_000)])
    await expect(dialog.locator(".details-state")).not_to_contain_text("Waits for")
