"""The result file of an import: what became of each row."""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence

import structlog

from jobmonitor.job_types.files import csv_files
from jobmonitor.job_types.protocol import AssemblyContext
from jobmonitor.job_types.user_data_import.chunk import Chunk
from jobmonitor.job_types.user_data_import.rows import EMAIL_LENGTH_MAX, addresses
from jobmonitor.job_types.user_data_import.store import RowOutcome, row_totals

log = structlog.stdlib.get_logger()

HEADINGS = ("Row", "Email", "Outcome", "Supporter ID", "Code", "Message")


def report_rows(chunk: Chunk, rows: Sequence[RowOutcome], ids: Mapping[str, int]) -> Iterator[list[str]]:
    """A row of the report for each row of the chunk."""
    for row, done in zip(chunk.rows, rows, strict=True):
        email = next(iter(addresses(row, chunk.rules)), "")[:EMAIL_LENGTH_MAX]
        supporter = "" if done.key is None else str(ids[done.key])
        cells = [str(done.row_no), email, done.outcome, supporter, done.code, done.message]
        yield [csv_files.neutralise(cell) for cell in cells]


async def report_file(parts: AsyncIterator[bytes], context: AssemblyContext) -> AsyncIterator[bytes]:
    """The headings and the parts. The totals go to the log."""
    yield csv_files.BOM + csv_files.csv_bytes([HEADINGS])
    async for piece in parts:
        yield piece
    async with context.reading() as connection:
        totals = await row_totals(connection, context.job_id)
    log.info("import_totals", job_id=str(context.job_id), rows=sum(totals.values()), **totals)
