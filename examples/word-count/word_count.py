"""Word Count: how many words each line of a text file has."""

import re
from collections.abc import AsyncIterator
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from jobmonitor.job_types.defaults import JobTypeDefaults
from jobmonitor.job_types.files import csv_files
from jobmonitor.job_types.form import Form
from jobmonitor.job_types.protocol import Assembly, AssemblyContext, Context, Part, PlannedChunk, Refused, UploadRule
from jobmonitor.job_types.uploads import read_upload

CHUNK_LINES = 500
Payload = tuple[int, list[str]]
"""The number of the first line, and the lines."""


class WordCountParameters(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which words to count."""

    upload: Annotated[UUID, Meta(title="Text file", description="In UTF-8, at most 5 MB.")]
    smallest_length: Annotated[int, Meta(ge=1, le=50, description="Shorter words are not counted.")] = 1
    empty_lines: Annotated[bool, Meta(description="Whether the report lists lines without a word.")] = True


class WordCount(JobTypeDefaults[WordCountParameters]):
    """The job type."""

    slug = "word-count"
    title = "Word Count"
    unit = "lines"
    permission = "word-count"
    stoppable = True
    params_type = WordCountParameters
    upload = UploadRule(media_types={"txt": "text/plain", "md": "text/markdown"}, bytes_max=5 * 1024 * 1024)
    form = Form(start="Count words", counted="will be read.", nothing="The file is empty.")

    async def check(self, params: WordCountParameters, context: Context) -> None:
        await self._lines(params, context)

    async def count(self, params: WordCountParameters, context: Context) -> int:
        return len(await self._lines(params, context))

    async def plan(self, params: WordCountParameters, context: Context) -> AsyncIterator[PlannedChunk]:
        lines = await self._lines(params, context)
        for start in range(0, len(lines), CHUNK_LINES):
            chunk = lines[start : start + CHUNK_LINES]
            yield PlannedChunk(units=len(chunk), payload=(start + 1, chunk))

    async def run_chunk(self, params: WordCountParameters, payload: Payload, context: Context) -> Part:
        first, lines = payload
        counts = [sum(len(word) >= params.smallest_length for word in re.findall(r"\w+", line)) for line in lines]
        rows = [(str(first + n), str(words)) for n, words in enumerate(counts) if words or params.empty_lines]
        outcomes = {"counted": len(counts) - counts.count(0), "empty": counts.count(0)}
        return Part(content=csv_files.csv_bytes(rows), outcomes=outcomes, rows=len(rows))

    def assemble(self, params: WordCountParameters, parts: AsyncIterator[bytes], context: AssemblyContext) -> Assembly:
        return Assembly(content=_report(parts), media_type=csv_files.MEDIA_TYPE, extension="csv")

    async def _lines(self, params: WordCountParameters, context: Context) -> list[str]:
        content = await read_upload(params.upload, self.upload, context)
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError:
            raise Refused("not_utf8", "The file is not text in UTF-8.", parameter="upload") from None
        return text.replace("\0", " ").splitlines()  # a chunk's payload is JSON, which holds no NUL in PostgreSQL


async def _report(parts: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield csv_files.BOM + csv_files.csv_bytes([("Line", "Words")])
    async for part in parts:
        yield part


JOB_TYPE = WordCount()
