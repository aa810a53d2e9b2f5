"""What a request says about its file: what the columns mean, and how the rows are to be taken. Raises Refused."""

from collections.abc import Sequence

from jobmonitor.database.pool import Connection
from jobmonitor.job_types.protocol import Refused
from jobmonitor.job_types.user_data_import.columns import (
    Column,
    check_format,
    check_mappings,
    find_page,
    participation,
    resolve,
)
from jobmonitor.job_types.user_data_import.parameters import UserDataImportParameters
from jobmonitor.job_types.user_data_import.rows import Rules
from jobmonitor.job_types.user_data_import.targets import ImportFormat, ImportTargets, find_format


async def find_saved_format(params: UserDataImportParameters, connection: Connection) -> ImportFormat | None:
    """None: the request names none."""
    if params.format_id is None:
        return None
    if params.columns:
        reason = "Either a saved format says what the columns mean, or the request does."
        raise Refused("format_and_columns", reason, parameter="columns")
    saved = await find_format(connection, params.format_id)
    if saved is None:
        raise Refused("unknown_format", f"There is no saved format {params.format_id}.", parameter="format_id")
    return saved


def check_without_file(params: UserDataImportParameters, saved: ImportFormat | None, targets: ImportTargets) -> None:
    """What can be known without the file. A saved format may be older than what there is."""
    _tag(params, targets)
    try:
        check_mappings(saved.columns if saved else params.columns, targets)
    except Refused as refused:
        if saved is None:
            raise
        reason = f"The saved format {saved.name!r} does not fit any more. {refused}"
        raise Refused(refused.code, reason, parameter="format_id") from None


def imported_columns(
    headings: Sequence[str], params: UserDataImportParameters, saved: ImportFormat | None, targets: ImportTargets
) -> list[Column]:
    """The columns of this file that are imported, in its order."""
    if saved is not None:
        check_format(headings, saved)
    return resolve(headings, saved.columns if saved else params.columns, targets)


def rules_of(
    params: UserDataImportParameters,
    saved: ImportFormat | None,
    targets: ImportTargets,
    columns: list[Column],
    *,
    guarded: bool,
) -> Rules:
    """What is the same for all rows of the file."""
    return Rules(
        columns=columns,
        mode=params.mode or (saved.mode if saved else "add_and_update"),
        resubscribe=params.resubscribe,
        tag=_tag(params, targets),
        guarded=guarded,
    )


def _tag(params: UserDataImportParameters, targets: ImportTargets) -> tuple[int, str] | None:
    if params.page is None:
        return None
    return participation(find_page(params.page, targets, "page"), "page")
