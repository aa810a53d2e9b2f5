"""A job type in a package of its own: once it is installed, it is offered, runs, is downloaded and can be stopped."""

import csv
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.async_api import FilePayload, Page, expect

from jobmonitor.job.state import State, percent
from support.browser import ADMIN, OpenPage
from support.documents import ROOT
from support.stack import RunningStack
from support.tools import uv

EXAMPLE = ROOT / "examples" / "word-count"
FORM = "/start?type=word-count"
TEXT = "one two three\n\nand a b four\n"
LONG_TEXT = "a few more words\n" * 300_000
STOPPED = re.compile(r"Stopped at (\d+) %")


@pytest.fixture(scope="module")
def stack(servers_folder: Path) -> Iterator[RunningStack]:
    """A stack with the example beside it."""
    packages = servers_folder / "packages"
    options = ("--no-deps", "--no-build-isolation", "--offline", "--no-cache")
    command = (uv(), "pip", "install", "--quiet", "--python", sys.executable, *options, "--target", packages, EXAMPLE)
    subprocess.run(command, check=True, timeout=60)
    with RunningStack(servers_folder / "stack-with-example", demo_supporters="100") as running:
        running.packages.append(packages)
        yield running.start()


async def start(page: Page, text: str, reference: str) -> None:
    file: FilePayload = {"name": "text.md", "mimeType": "text/markdown", "buffer": text.encode()}
    await page.get_by_label("Choose a file").set_input_files(file)
    await page.get_by_role("textbox", name="Reference name").fill(reference)
    await expect(page.locator(".preview strong")).to_have_text(f"{text.count(chr(10)):,} lines")
    await page.get_by_role("button", name="Count words").click()


async def test_it_is_offered_with_a_form_runs_and_is_downloaded(open_page: OpenPage) -> None:
    visit = await open_page(ADMIN, "/start")
    page = visit.page
    await page.get_by_role("link", name="Word Count").click()
    await page.get_by_label("Smallest length").fill("2")
    await page.get_by_label("Empty lines").uncheck()
    await start(page, TEXT, "Short text")
    row = page.locator("tr[data-job]", has_text="Short text")
    await expect(row).to_contain_text("Word Count")
    await expect(row.locator(".tag")).to_have_text("Completed")
    await visit.steady()
    async with page.expect_download() as downloading:
        await row.get_by_role("link", name="Download").click()
    report = await (await downloading.value).path()
    assert report.read_text(encoding="utf-8-sig").splitlines() == ["Line,Words", "1,3", "3,2"]


def test_the_command_line_sends_its_file_too(stack: RunningStack, tmp_path: Path) -> None:
    text = tmp_path / "text.txt"
    text.write_text(TEXT)
    submit = ("submit", "word-count", "--file", text, "--param", "smallest_length=2", "--wait", "--json")
    environment = {
        "PYTHONPATH": os.pathsep.join(map(str, stack.packages)),
        "JOBMONITOR_DATA_DIR": str(stack.data_dir),
        "XDG_STATE_HOME": str(tmp_path),
    }
    command = (sys.executable, "-m", "jobmonitor.cli", *submit)
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    job = json.loads(done.stdout)
    assert (job["state"], job["outcomes"]) == ("completed", {"counted": 2, "empty": 1})


async def test_it_can_be_stopped(open_page: OpenPage) -> None:
    """It stays in the monitor with a file of what was done, until that was downloaded."""
    visit = await open_page(ADMIN, FORM)
    page = visit.page
    await start(page, LONG_TEXT, "Long text")
    row = page.locator("tr[data-job]", has_text="Long text")
    await expect(row).to_contain_text(re.compile(r"[1-9]\d? %"))
    await row.get_by_role("button", name="Stop").click()
    await page.get_by_role("dialog").get_by_role("button", name="Stop").click()
    await expect(row).to_contain_text(STOPPED)
    await visit.steady()
    shown = STOPPED.search(await row.inner_text())
    async with page.expect_download() as downloading:
        await row.get_by_role("link", name="Download").click()
    title, *lines = (await (await downloading.value).path()).read_text(encoding="utf-8-sig").splitlines()
    assert title == "Line,Words"
    assert {words for _, words in csv.reader(lines)} == {"4"}
    assert shown is not None
    share = percent(State.CANCELLED, len(lines), LONG_TEXT.count("\n"))
    assert share == int(shown[1]), "the file holds what was done, and no more"
    await visit.leave_list()
    await expect(row).to_have_count(0)
    await visit.go("/history")
    await expect(row).to_contain_text(shown[0])
