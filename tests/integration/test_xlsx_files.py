"""Workbooks written by the separate process, read back by another library."""

import asyncio
import io
from collections.abc import AsyncIterator
from typing import Any

import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from jobmonitor.job_types.files.csv_files import csv_bytes
from jobmonitor.job_types.files.xlsx_files import WorkbookNotWritten, workbook
from support.waiting import until

# U+FFFE and U+FFFF cannot stand in XML; writer and reader spell them differently.
CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\0\ufffe\uffff"), min_size=1)


async def pieces(content: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(content), 7):
        yield content[start : start + 7]


async def read_back(rows: list[list[str]]) -> list[list[str]]:
    content = b"".join([piece async for piece in workbook(pieces(csv_bytes(rows)))])
    cells: list[list[Any]] = CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_index(0).to_python()
    return cells


@settings(max_examples=15, deadline=None)
@given(st.lists(st.lists(CELLS, min_size=3, max_size=3), min_size=1))
async def test_what_is_written_is_what_is_read(rows: list[list[str]]) -> None:
    assert await read_back(rows) == rows


async def test_every_cell_is_text_whatever_it_looks_like() -> None:
    row = ["=1+1", "00123", "2026-01-31", "http://example.org", "-5", "TRUE"]

    assert await read_back([row]) == [row]


async def test_text_longer_than_a_cell_is_cut_and_says_so() -> None:
    just_right, too_long, wide = "x" * 32_767, "x" * 32_768, "🎉" * 20_000

    (right, cut, emoji), *_ = await read_back([[just_right, too_long, wide]])

    assert right == just_right
    assert cut == "x" * 32_766 + "…"
    assert emoji == "🎉" * 16_383 + "…"


async def test_a_writer_that_dies_is_an_error_and_no_broken_file(
    tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.executable", "/bin/false")

    with pytest.raises(WorkbookNotWritten, match="ended with 1"):
        await read_back([["a"]] * 100_000)


async def test_a_reader_that_leaves_early_leaves_no_writer_behind() -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b"a,b\r\n" * 1000

    before = children()

    async def read_first() -> bytes:
        return await anext(aiter(workbook(endless())))

    writing = asyncio.create_task(read_first())

    async def started() -> set[int]:
        return children() - before

    writers = await until(started)
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing

    assert not writers & children()


def children() -> set[int]:
    """The processes this one has started and not yet seen end."""
    return {child.pid for child in psutil.Process().children()}
