"""What makes an export impossible. Every function raises Refused."""

from jobmonitor.crm.references import Kind, broadcasts_sent_too_long_ago, unknown_references
from jobmonitor.database.pool import Connection
from jobmonitor.job_types.protocol import Refused
from jobmonitor.job_types.user_data_export.parameters import UserDataExportParameters

WORKBOOK_ROWS_MAX = 65_535
"""Data rows of an Excel file. The vendor wants CSV above "65K"; the exact number is our decision."""


def check_hybrid_columns(params: UserDataExportParameters) -> None:
    columns = params.hybrid_pages + params.hybrid_questions
    if params.format == "hybrid" and not columns:
        reason = "The hybrid format needs at least one page or question as a column."
        raise Refused("hybrid_columns_required", reason, parameter="hybrid_pages")
    if params.format != "hybrid" and columns:
        reason = "Pages and questions become columns in the hybrid format only."
        raise Refused("hybrid_only", reason, parameter="hybrid_pages" if params.hybrid_pages else "hybrid_questions")


async def check_references(params: UserDataExportParameters, connection: Connection) -> None:
    query = params.query
    named: list[tuple[str, Kind, list[int]]] = [
        ("export_group_id", "export_group", [] if params.export_group_id is None else [params.export_group_id]),
        ("query.profiles", "profile", query.profiles),
        ("query.pages", "page", query.pages),
        ("query.questions", "question", [wanted.question for wanted in query.questions]),
        ("query.broadcasts", "broadcast", [each for wanted in query.broadcasts for each in wanted.broadcasts]),
        ("hybrid_pages", "page", params.hybrid_pages),
        ("hybrid_questions", "question", params.hybrid_questions),
    ]
    by_kind: dict[Kind, list[int]] = {}
    for _, kind, ids in named:
        by_kind.setdefault(kind, []).extend(ids)
    unknown = set(await unknown_references(connection, by_kind))
    for parameter, kind, ids in named:
        for missing in ids:
            if (kind, missing) in unknown:
                reason = f"There is no {kind.replace('_', ' ')} {missing}."
                raise Refused(f"unknown_{kind}", reason, parameter=parameter)


async def check_sent(params: UserDataExportParameters, connection: Connection) -> None:
    wanted = [each for filter_ in params.query.broadcasts if filter_.event == "sent" for each in filter_.broadcasts]
    for broadcast in await broadcasts_sent_too_long_ago(connection, wanted):
        reason = f"Broadcast {broadcast} was sent more than a year ago: to whom it went can no longer be asked."
        raise Refused("sent_too_long_ago", reason, parameter="query.broadcasts")


def check_workbook(rows: int) -> None:
    if rows > WORKBOOK_ROWS_MAX:
        reason = f"CSV required: an Excel file holds at most {WORKBOOK_ROWS_MAX:,} rows, and this export has more."
        raise Refused("csv_required", reason, parameter="file_type")
