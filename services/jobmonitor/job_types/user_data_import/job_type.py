"""User Data Import: supporters, their answers and where they took part, from a file of rows.

Each row is matched to a supporter by its e-mail address. The plan reads the file once and gives every chunk its rows,
so that it can run later, anywhere and again; chunks run one after the other, because a later row adds to an earlier one
with the same address. A bad row is reported and the others go on; a file that cannot be read as a whole fails the job
before anything is written. Values and answers leave no activity, a participation does; its source ``import`` keeps it
out of counts of what happened on the page. Importing never lifts a suppression. There is no way back: no stop, no
rollback.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from itertools import islice
from typing import Any

import msgspec

from jobmonitor.crm.uploads import Upload, UploadContents, find_upload
from jobmonitor.database.statement import statements
from jobmonitor.job_types.defaults import JobTypeDefaults
from jobmonitor.job_types.files import csv_files, xlsx_files
from jobmonitor.job_types.files.look_through import look_through
from jobmonitor.job_types.files.tables import FILE_BYTES_MAX, Table, fitted, inspect, read_table
from jobmonitor.job_types.form import read_form
from jobmonitor.job_types.protocol import (
    Assembly,
    AssemblyContext,
    Context,
    EffectsCount,
    Part,
    PlannedChunk,
    Refused,
    UploadRule,
)
from jobmonitor.job_types.uploads import content_of, read_upload, require_content, usable_upload
from jobmonitor.job_types.user_data_import.chunk import Chunk, import_chunk
from jobmonitor.job_types.user_data_import.columns import Column, suggest
from jobmonitor.job_types.user_data_import.mapping import (
    check_without_file,
    find_saved_format,
    imported_columns,
    rules_of,
)
from jobmonitor.job_types.user_data_import.options import ImportOptions, import_options
from jobmonitor.job_types.user_data_import.parameters import UserDataImportParameters
from jobmonitor.job_types.user_data_import.report import report_file, report_rows
from jobmonitor.job_types.user_data_import.rows import Row
from jobmonitor.job_types.user_data_import.targets import ColumnMapping, read_targets

CHUNK_ROWS = 500
SMALL_BYTES_MAX = 64 * 1024


class UserDataImport(JobTypeDefaults[UserDataImportParameters]):
    """The job type."""

    slug = "user-data-import"
    title = "User Data Import"
    unit = "rows"
    permission = "import"
    in_order = True
    params_type = UserDataImportParameters
    form = read_form(__package__)
    upload = UploadRule(
        media_types={"csv": "text/csv", "xlsx": xlsx_files.MEDIA_TYPE},
        bytes_max=FILE_BYTES_MAX,
        inspect=inspect,
    )
    effects = EffectsCount(
        statement=statements(__package__)["effects"], by_account=True, invariant="I12", kept_as_row_outcomes=True
    )

    def __init__(self, *, chunk_rows: int = CHUNK_ROWS, small_bytes_max: int = SMALL_BYTES_MAX) -> None:
        self._chunk_rows = chunk_rows
        self._small_bytes_max = small_bytes_max

    async def options(self, context: Context) -> ImportOptions:
        return await import_options(context.connection)

    async def columns(self, contents: UploadContents, context: Context) -> list[ColumnMapping]:
        """By their headings."""
        return suggest(contents.headings, await read_targets(context.connection))

    def exclusive_resources(self, params: UserDataImportParameters) -> frozenset[str]:
        return frozenset({"supporters"})

    async def check(self, params: UserDataImportParameters, context: Context) -> None:
        """Refuses what does not exist or contradicts itself; before the submission also a file that cannot be read.

        Once the job runs, its plan reads the file.
        """
        upload = await usable_upload(params.upload, self.upload, context)
        targets = await read_targets(context.connection)
        saved = await find_saved_format(params, context.connection)
        check_without_file(params, saved, targets)
        if context.job_id is None:
            contents = await _contents(upload, context)
            imported_columns(contents.headings, params, saved, targets)

    async def count(self, params: UserDataImportParameters, context: Context) -> int:
        """Data rows, as they were counted when the file came."""
        return (await _contents(await usable_upload(params.upload, self.upload, context), context)).rows

    async def is_small(self, params: UserDataImportParameters, context: Context) -> bool:
        """A workbook never is: it is read by a process of its own, which takes its time."""
        upload = await find_upload(context.connection, params.upload, context.owner_id)
        is_csv = upload is not None and upload.media_type != xlsx_files.MEDIA_TYPE
        return is_csv and upload is not None and upload.size_bytes <= self._small_bytes_max

    async def plan(self, params: UserDataImportParameters, context: Context) -> AsyncIterator[PlannedChunk]:
        """The file's rows in their order, read once; only the cells of imported columns."""
        content = await read_upload(params.upload, self.upload, context)
        targets = await read_targets(context.connection)
        saved = await find_saved_format(params, context.connection)
        table = await asyncio.to_thread(read_table, content)
        columns = imported_columns(table.headings, params, saved, targets)
        rules = rules_of(params, saved, targets, columns, guarded=table.guarded)
        for rows in _batches(_rows(table, columns), self._chunk_rows):
            yield PlannedChunk(units=len(rows), payload=msgspec.to_builtins(Chunk(rules=rules, rows=rows)))

    async def run_chunk(self, params: UserDataImportParameters, payload: Any, context: Context) -> Part:
        """Raises SupporterAddedMeanwhile: temporary."""
        if context.job_id is None:
            raise LookupError("Rows are imported for a job only.")
        chunk = msgspec.convert(payload, Chunk)
        rows, ids = await import_chunk(chunk, context.connection, context.account_id, context.job_id)
        outcomes = Counter(row.outcome for row in rows)
        return Part(
            content=csv_files.csv_bytes(report_rows(chunk, rows, ids)),
            outcomes=outcomes,
            rejected=outcomes["error"],
            rows=len(rows),
        )

    def assemble(
        self, params: UserDataImportParameters, parts: AsyncIterator[bytes], context: AssemblyContext
    ) -> Assembly:
        """The rows' outcomes behind their headings."""
        return Assembly(content=report_file(parts, context), media_type=csv_files.MEDIA_TYPE, extension="csv")


async def _contents(upload: Upload, context: Context) -> UploadContents:
    """As found out when the file came; one that came for another job type, or before that was done, is read again."""
    if upload.contents is not None and upload.job_type == UserDataImport.slug:
        await require_content(upload, context)
        return upload.contents
    inspection = await look_through(await content_of(upload, context))
    if inspection.problem is not None:
        raise Refused(inspection.problem.code, inspection.problem.message, parameter="upload")
    return inspection.contents


def _rows(table: Table, columns: Sequence[Column]) -> Iterator[Row]:
    width = len(table.headings)
    for number, cells in table.rows:
        whole = fitted(cells, width)
        yield Row(number, [whole[column.position] for column in columns], surplus=any(cells[width:]))


def _batches(rows: Iterator[Row], size: int) -> Iterator[list[Row]]:
    while batch := list(islice(rows, size)):
        yield batch
