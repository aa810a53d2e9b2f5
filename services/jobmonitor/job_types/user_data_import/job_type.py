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
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from itertools import islice
from typing import Annotated, Any
from uuid import UUID

import msgspec
import structlog
from msgspec import Meta

from jobmonitor.crm.supporter_query import Id
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
from jobmonitor.job_types.user_data_import.columns import (
    Column,
    check_format,
    check_mappings,
    find_page,
    participation,
    resolve,
    suggest,
)
from jobmonitor.job_types.user_data_import.options import ImportOptions, import_options
from jobmonitor.job_types.user_data_import.rows import EMAIL_LENGTH_MAX, Decision, Row, Rules, addresses, decide
from jobmonitor.job_types.user_data_import.store import (
    Changes,
    Known,
    RowOutcome,
    currency_decimals,
    find_known,
    record_rows,
    row_totals,
    write_changes,
)
from jobmonitor.job_types.user_data_import.targets import (
    ColumnMapping,
    ImportFormat,
    ImportMode,
    ImportTargets,
    find_format,
    read_targets,
)

log = structlog.stdlib.get_logger()

CHUNK_ROWS = 500
SMALL_BYTES_MAX = 64 * 1024
HEADINGS = ("Row", "Email", "Outcome", "Supporter ID", "Code", "Message")


class UserDataImportParameters(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to import, and how."""

    upload: Annotated[UUID, Meta(description="The uploaded file: CSV in UTF-8 or an Excel workbook, at most 20 MiB.")]
    mode: Annotated[
        ImportMode | None,
        Meta(
            description="`add_and_update`, or `only_create`, which ignores supporters that exist. "
            "null: as the saved format says, else `add_and_update`."
        ),
    ] = None
    page: Annotated[
        Id | None, Meta(description="Everybody in the file is recorded as having taken part on this live page.")
    ] = None
    columns: Annotated[
        list[ColumnMapping],
        Meta(description="What each column means; columns not named are skipped. Empty: by their headings."),
    ] = []
    format_id: Annotated[
        Id | None, Meta(description="A saved format instead of `columns`; the file has to match it exactly.")
    ] = None
    resubscribe: Annotated[
        bool, Meta(description="Whether `Y` also counts for those who unsubscribed by themselves.")
    ] = False


class _Chunk(msgspec.Struct, frozen=True, kw_only=True):
    """The payload of a chunk."""

    rules: Rules
    rows: list[Row]


class UserDataImport(JobTypeDefaults[UserDataImportParameters]):
    """The job type."""

    slug = "user-data-import"
    title = "User Data Import"
    unit = "rows"
    permission = "import"
    in_order = True
    writes = "supporters"
    params_type = UserDataImportParameters
    form = read_form(__package__)
    upload = UploadRule(
        media_types={"csv": "text/csv", "xlsx": xlsx_files.MEDIA_TYPE},
        bytes_max=FILE_BYTES_MAX,
        inspect=inspect,
    )
    effects = EffectsCount(statement=statements(__package__)["effects"], by_account=True)

    def __init__(self, *, chunk_rows: int = CHUNK_ROWS, small_bytes_max: int = SMALL_BYTES_MAX) -> None:
        self._chunk_rows = chunk_rows
        self._small_bytes_max = small_bytes_max

    async def options(self, context: Context) -> ImportOptions:
        return await import_options(context.connection)

    async def columns(self, contents: UploadContents, context: Context) -> list[ColumnMapping]:
        """By their headings."""
        return suggest(contents.headings, await read_targets(context.connection))

    async def check(self, params: UserDataImportParameters, context: Context) -> None:
        """Refuses what does not exist or contradicts itself; before the submission also a file that cannot be read.

        Once the job runs, its plan reads the file.
        """
        upload = await usable_upload(params.upload, self.upload, context)
        targets = await read_targets(context.connection)
        saved = await _saved_format(params, context)
        _tag(params, targets)
        _check_mappings(params, saved, targets)
        if context.job_id is None:
            contents = await _contents(upload, context)
            _resolve(contents.headings, params, saved, targets)

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
        saved = await _saved_format(params, context)
        table = await asyncio.to_thread(read_table, content)
        columns = _resolve(table.headings, params, saved, targets)
        rules = Rules(
            columns=columns,
            mode=params.mode or (saved.mode if saved else "add_and_update"),
            resubscribe=params.resubscribe,
            tag=_tag(params, targets),
            guarded=table.guarded,
        )
        for rows in _batches(_rows(table, columns), self._chunk_rows):
            yield PlannedChunk(units=len(rows), payload=msgspec.to_builtins(_Chunk(rules=rules, rows=rows)))

    async def run_chunk(self, params: UserDataImportParameters, payload: Any, context: Context) -> Part:
        """Find everybody, decide row by row, write what changed, and keep what became of each row.

        Raises SupporterAddedMeanwhile: temporary.
        """
        chunk = msgspec.convert(payload, _Chunk)
        job_id = _job_id(context)
        keys, known = await _find(chunk, job_id, context)
        rows, changes = _decide_all(chunk, keys, known, await currency_decimals(context.connection))
        ids = {key: supporter.id for key, supporter in known.items() if supporter.id is not None}
        ids = await write_changes(context.connection, context.account_id, job_id, changes, ids)
        await record_rows(context.connection, context.account_id, job_id, rows, ids)
        outcomes = Counter(row.outcome for row in rows)
        return Part(
            content=csv_files.csv_bytes(_report(chunk, rows, ids)),
            outcomes=outcomes,
            rejected=outcomes["error"],
            rows=len(rows),
        )

    def assemble(
        self, params: UserDataImportParameters, parts: AsyncIterator[bytes], context: AssemblyContext
    ) -> Assembly:
        """The rows' outcomes behind their headings. The totals go to the log."""
        return Assembly(content=_file(parts, context), media_type=csv_files.MEDIA_TYPE, extension="csv")


async def _saved_format(params: UserDataImportParameters, context: Context) -> ImportFormat | None:
    if params.format_id is None:
        return None
    if params.columns:
        reason = "Either a saved format says what the columns mean, or the request does."
        raise Refused("format_and_columns", reason, parameter="columns")
    saved = await find_format(context.connection, params.format_id)
    if saved is None:
        raise Refused("unknown_format", f"There is no saved format {params.format_id}.", parameter="format_id")
    return saved


def _check_mappings(params: UserDataImportParameters, saved: ImportFormat | None, targets: ImportTargets) -> None:
    """A saved format may be older than what there is."""
    try:
        check_mappings(saved.columns if saved else params.columns, targets)
    except Refused as refused:
        if saved is None:
            raise
        reason = f"The saved format {saved.name!r} does not fit any more. {refused}"
        raise Refused(refused.code, reason, parameter="format_id") from None


def _tag(params: UserDataImportParameters, targets: ImportTargets) -> tuple[int, str] | None:
    if params.page is None:
        return None
    return participation(find_page(params.page, targets, "page"), "page")


async def _contents(upload: Upload, context: Context) -> UploadContents:
    """As found out when the file came; one that came for another job type, or before that was done, is read again."""
    if upload.contents is not None and upload.job_type == UserDataImport.slug:
        await require_content(upload, context)
        return upload.contents
    inspection = await look_through(await content_of(upload, context))
    if inspection.problem is not None:
        raise Refused(inspection.problem.code, inspection.problem.message, parameter="upload")
    return inspection.contents


def _resolve(
    headings: Sequence[str], params: UserDataImportParameters, saved: ImportFormat | None, targets: ImportTargets
) -> list[Column]:
    if saved is not None:
        check_format(headings, saved)
    return resolve(headings, saved.columns if saved else params.columns, targets)


def _rows(table: Table, columns: Sequence[Column]) -> Iterator[Row]:
    width = len(table.headings)
    for number, cells in table.rows:
        whole = fitted(cells, width)
        yield Row(number, [whole[column.position] for column in columns], surplus=any(cells[width:]))


def _batches(rows: Iterator[Row], size: int) -> Iterator[list[Row]]:
    while batch := list(islice(rows, size)):
        yield batch


def _job_id(context: Context) -> UUID:
    if context.job_id is None:
        raise LookupError("Rows are imported for a job only.")
    return context.job_id


async def _find(chunk: _Chunk, job_id: UUID, context: Context) -> tuple[dict[str, str], dict[str, Known]]:
    rules = chunk.rules
    campaigns = [column.id for column in rules.columns if column.to == "page"]
    return await find_known(
        context.connection,
        job_id,
        [address for row in chunk.rows for address in addresses(row, rules) if len(address) <= EMAIL_LENGTH_MAX],
        fields=[column.id for column in rules.columns if column.to == "field"],
        questions=[column.id for column in rules.columns if column.to == "question"],
        campaigns=[*campaigns, *([] if rules.tag is None else [rules.tag[0]])],
    )


def _decide_all(
    chunk: _Chunk, keys: Mapping[str, str], known: Mapping[str, Known], decimals: Mapping[str, int]
) -> tuple[list[RowOutcome], Changes]:
    """Row by row, each on what the ones before it left."""
    seen, changes, outcomes = dict(known), Changes(), []
    for row in chunk.rows:
        readings = [keys.get(address, address) for address in addresses(row, chunk.rules)]
        key = next((reading for reading in readings if reading in seen), readings[0] if readings else "")
        decision = decide(row, key, seen.get(key), chunk.rules, decimals)
        if decision.after is not None:
            _note(changes, key, decision, is_new=key not in seen)
            seen[key] = decision.after
        about = None if decision.after is None else key
        done = RowOutcome(
            row_no=row.number, outcome=decision.outcome, key=about, code=decision.code, message=decision.message
        )
        outcomes.append(done)
    return outcomes, changes


def _note(changes: Changes, key: str, decision: Decision, *, is_new: bool) -> None:
    if is_new:
        changes.created.append(key)
    changes.values |= {(key, field): text for field, text in decision.values.items()}
    changes.answers |= {(key, question): text for question, text in decision.answers.items()}
    changes.participations |= {(key, campaign): type_ for campaign, type_ in decision.participations.items()}


def _report(chunk: _Chunk, rows: Sequence[RowOutcome], ids: Mapping[str, int]) -> Iterator[list[str]]:
    for row, done in zip(chunk.rows, rows, strict=True):
        email = next(iter(addresses(row, chunk.rules)), "")[:EMAIL_LENGTH_MAX]
        supporter = "" if done.key is None else str(ids[done.key])
        cells = [str(done.row_no), email, done.outcome, supporter, done.code, done.message]
        yield [csv_files.neutralise(cell) for cell in cells]


async def _file(parts: AsyncIterator[bytes], context: AssemblyContext) -> AsyncIterator[bytes]:
    yield csv_files.BOM + csv_files.csv_bytes([HEADINGS])
    async for piece in parts:
        yield piece
    async with context.reading() as connection:
        totals = await row_totals(connection, context.job_id)
    log.info("import_totals", job_id=str(context.job_id), rows=sum(totals.values()), **totals)
