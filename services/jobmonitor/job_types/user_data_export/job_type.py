"""User Data Export: supporters, or everything they did, as a file for a spreadsheet.

The selection is frozen when the job is planned: each chunk names the exact rows it stands for, so it can run later,
anywhere and again, and no row is skipped or doubled. A supporter deleted meanwhile is left out and counted as
``deleted``. Suppressed and unsubscribed supporters are exported like all others: an export is not a mailing. Rows are
ordered by supporter id, and by time within a supporter. No rows give a file with its headings only. (All of this is our
own decision; the vendor's pages describe the formats and the columns.)
"""

from collections.abc import AsyncIterator
from typing import Any

import msgspec

from jobmonitor.database.pool import Connection
from jobmonitor.job_types.defaults import JobTypeDefaults
from jobmonitor.job_types.files import csv_files, xlsx_files
from jobmonitor.job_types.form import read_form
from jobmonitor.job_types.protocol import Assembly, AssemblyContext, Context, Part, PlannedChunk
from jobmonitor.job_types.user_data_export.checks import (
    WORKBOOK_ROWS_MAX,
    check_hybrid_columns,
    check_references,
    check_sent,
    check_workbook,
)
from jobmonitor.job_types.user_data_export.formats import FORMATS, Rows
from jobmonitor.job_types.user_data_export.layout import Layout, read_layout
from jobmonitor.job_types.user_data_export.options import ExportOptions, export_options
from jobmonitor.job_types.user_data_export.parameters import UserDataExportParameters
from jobmonitor.job_types.user_data_export.selection import count_rows, row_keys

SMALL_ROWS_MAX = 200
"""Exported in one step."""


class _Chunk(msgspec.Struct, frozen=True, kw_only=True):
    """The payload of a chunk: it needs nothing else to give its rows."""

    layout: Layout
    with_headings: bool
    """The first chunk starts the file."""
    keys: list[list[Any]]
    """The rows, in order, as their format names them."""


class UserDataExport(JobTypeDefaults[UserDataExportParameters]):
    """The job type. ``chunk_rows_max`` bounds a chunk's work; small exports are cut finer, so that their bar moves."""

    slug = "user-data-export"
    title = "User Data Export"
    unit = "supporters"
    permission = "export"
    params_type = UserDataExportParameters
    form = read_form(__package__)

    def __init__(self, *, chunk_rows_max: int = 2_000, chunk_rows_min: int = 100, chunks_aimed_at: int = 50) -> None:
        self._chunk_rows_max = chunk_rows_max
        self._chunk_rows_min = chunk_rows_min
        self._chunks_aimed_at = chunks_aimed_at

    def unit_of(self, params: UserDataExportParameters) -> str:
        """Supporters, or rows in the transaction format."""
        return FORMATS[params.format].unit

    async def check(self, params: UserDataExportParameters, context: Context) -> None:
        """Refuses hybrid without columns, ids that do not exist, "sent" of old broadcasts, too many rows for Excel."""
        check_hybrid_columns(params)
        await check_references(params, context.connection)
        await check_sent(params, context.connection)
        if params.file_type != "csv":
            selection = FORMATS[params.format].selection
            check_workbook(await count_rows(context.connection, selection, params.query, most=WORKBOOK_ROWS_MAX + 1))

    async def count(self, params: UserDataExportParameters, context: Context) -> int:
        """Supporters, or rows in the transaction format."""
        return await count_rows(context.connection, FORMATS[params.format].selection, params.query)

    async def is_small(self, params: UserDataExportParameters, context: Context) -> bool:
        """Workbooks are written by a process of their own, which takes its time. Counts no further than it has to."""
        if params.file_type != "csv":
            return False
        selection = FORMATS[params.format].selection
        found = await count_rows(context.connection, selection, params.query, most=SMALL_ROWS_MAX + 1)
        return found <= SMALL_ROWS_MAX

    async def plan(self, params: UserDataExportParameters, context: Context) -> AsyncIterator[PlannedChunk]:
        """The rows' keys in the file's order, read by a cursor."""
        layout = await _layout(params, context.connection)
        total = await self.count(params, context)
        if params.file_type != "csv":
            check_workbook(total)
        size, with_headings = self._chunk_rows(total), True
        async for keys in row_keys(context.connection, FORMATS[params.format].selection, params.query, batch=size):
            chunk = _Chunk(layout=layout, with_headings=with_headings, keys=keys)
            yield PlannedChunk(units=len(keys), payload=msgspec.to_builtins(chunk))
            with_headings = False

    async def run_chunk(self, params: UserDataExportParameters, payload: Any, context: Context) -> Part:
        """Rows as they are now; only which rows was frozen."""
        chunk = msgspec.convert(payload, _Chunk)
        wanted = FORMATS[params.format]
        rows = await wanted.read(context.connection, chunk.layout, chunk.keys)
        headings = [wanted.headings(chunk.layout)] if chunk.with_headings else []
        outcomes = {"exported": len(rows), "deleted": len(chunk.keys) - len(rows)}
        return Part(
            content=_encode(params, headings + rows),
            outcomes={outcome: units for outcome, units in outcomes.items() if units},
            rows=len(rows),
        )

    def assemble(
        self, params: UserDataExportParameters, parts: AsyncIterator[bytes], context: AssemblyContext
    ) -> Assembly:
        """CSV as it is, behind a byte order mark; a workbook is written from it by a process of its own."""
        lines = _lines(params, parts, context)
        if params.file_type == "csv":
            return Assembly(content=_with_bom(lines), media_type=csv_files.MEDIA_TYPE, extension="csv")
        return Assembly(content=xlsx_files.workbook(lines), media_type=xlsx_files.MEDIA_TYPE, extension="xlsx")

    async def options(self, context: Context) -> ExportOptions:
        return await export_options(context.connection)

    def _chunk_rows(self, total: int) -> int:
        finer = max(self._chunk_rows_min, -(-total // self._chunks_aimed_at))
        return min(self._chunk_rows_max, finer)


async def _layout(params: UserDataExportParameters, connection: Connection) -> Layout:
    return await read_layout(
        connection,
        export_group_id=params.export_group_id,
        pages=params.hybrid_pages,
        questions=params.hybrid_questions,
    )


def _encode(params: UserDataExportParameters, rows: Rows) -> bytes:
    """CSV lines. Only a CSV file can smuggle in a formula: the workbook's cells are typed as text."""
    if params.file_type == "csv":
        return csv_files.csv_bytes([[csv_files.neutralise(cell) for cell in row] for row in rows])
    return csv_files.csv_bytes(rows)


async def _lines(
    params: UserDataExportParameters, parts: AsyncIterator[bytes], context: AssemblyContext
) -> AsyncIterator[bytes]:
    """The parts; without any, the headings alone."""
    nothing = True
    async for piece in parts:
        nothing = False
        yield piece
    if nothing:
        async with context.reading() as connection:
            layout = await _layout(params, connection)
        yield _encode(params, [FORMATS[params.format].headings(layout)])


async def _with_bom(lines: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield csv_files.BOM
    async for piece in lines:
        yield piece
