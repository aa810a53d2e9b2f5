"""A file is looked through in another process as in this one."""

import os
import subprocess
from typing import Any

import msgspec
import pytest

from jobmonitor.crm.uploads import UploadContents
from jobmonitor.job_types.files.look_through import SMALL_BYTES, look_through
from jobmonitor.job_types.files.tables import WorkbookNotRead, inspect
from jobmonitor.job_types.inspection import Inspection
from jobmonitor.runtime.failures import is_temporary

OF_LIBRARIES = ("AWS_SECRET_ACCESS_KEY", "GOOGLE_SERVICE_ACCOUNT_KEY", "AZURE_STORAGE_ACCOUNT_KEY", "PGPASSWORD")
"""Of the object store, for instance, which reads them from the environment."""
LARGE = b"Email,First Name\r\n" + b"a@x.org,Ann\r\n" * SMALL_BYTES


@pytest.mark.parametrize(
    "content",
    [b"", b"Email\r\na@x.org\r\n", LARGE, LARGE + b"\xff", LARGE + b'"', b"PK\x03\x04 no workbook"],
    ids=["empty", "small", "large", "not UTF-8", "broken CSV", "no workbook"],
)
async def test_it_finds_the_same(content: bytes) -> None:
    assert await look_through(content) == inspect(content)


def inspect_letter(content: bytes) -> Inspection:
    """Of a job type of its own."""
    return Inspection()


async def test_what_another_type_looks_for_is_never_looked_for_in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[str] = []

    def noted(command: list[str], **options: Any) -> Any:
        started.append(command[-1])
        return subprocess.CompletedProcess(command, 0, msgspec.json.encode(Inspection()))

    monkeypatch.setattr("jobmonitor.job_types.files.look_through.subprocess.run", noted)
    await look_through(b"small", inspect_letter)

    assert started == [f"{__name__}:inspect_letter"]


async def test_a_process_that_was_ended_says_nothing_about_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    run = subprocess.run

    def ended(command: list[str], **options: Any) -> Any:
        return run(["sh", "-c", "kill -9 $$"], **options)

    monkeypatch.setattr("jobmonitor.job_types.files.look_through.subprocess.run", ended)
    with pytest.raises(WorkbookNotRead) as failed:
        await look_through(LARGE)
    assert is_temporary(failed.value)


async def test_it_is_given_none_of_our_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JOBMONITOR_DATABASE_URL", "secret")
    for name in OF_LIBRARIES:
        monkeypatch.setenv(name, "secret")
    run = subprocess.run
    seen: dict[str, str] = {}

    def watched(command: list[str], **options: Any) -> Any:
        seen.update(options["env"])
        return run(command, **options)

    monkeypatch.setattr("jobmonitor.job_types.files.look_through.subprocess.run", watched)
    await look_through(LARGE)
    assert "PATH" in seen
    assert not [name for name in seen if name.startswith("JOBMONITOR_")]
    assert "secret" not in seen.values()


def inspect_environment(content: bytes) -> Inspection:
    """Finds the variables that are no business of it."""
    found = [name for name in OF_LIBRARIES if name in os.environ]
    return Inspection(contents=UploadContents(headings=found, first_rows=[], rows=0))


async def test_what_another_type_brings_sees_no_secrets_either(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in OF_LIBRARIES:
        monkeypatch.setenv(name, "secret")
    assert (await look_through(b"any", inspect_environment)).contents.headings == []


def test_the_reader_of_workbooks_is_given_none_either(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("JOBMONITOR_DATABASE_URL", *OF_LIBRARIES):
        monkeypatch.setenv(name, "secret")
    run = subprocess.run
    seen: dict[str, str] = {}

    def watched(command: list[str], **options: Any) -> Any:
        seen.update(options["env"])
        return run(command, **options)

    monkeypatch.setattr("jobmonitor.job_types.files.tables.subprocess.run", watched)
    inspect(b"PK\x03\x04 no workbook")
    assert "PATH" in seen
    assert "secret" not in seen.values()
