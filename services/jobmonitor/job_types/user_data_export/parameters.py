"""The parameters of a User Data Export."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from jobmonitor.crm.supporter_query import Id, Ids, SupporterQuery
from jobmonitor.job_types.user_data_export.formats import FormatName


class UserDataExportParameters(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to export, and how."""

    format: Annotated[
        FormatName,
        Meta(
            description="`user`: a row per supporter. `transaction`: a row for everything a supporter did. "
            "`hybrid`: a row per supporter with a column for each page and question chosen."
        ),
    ] = "user"
    file_type: Annotated[
        Literal["csv", "xlsx", "xls"],
        Meta(description="`xls` and `xlsx` both give an Excel workbook (.xlsx) of at most 65,535 rows."),
    ] = "csv"
    export_group_id: Annotated[
        Id | None, Meta(description="The export group whose fields to export; null exports all supporter fields.")
    ] = None
    query: Annotated[SupporterQuery, Meta(description="Whom to export; without filters, everybody.")] = SupporterQuery()
    hybrid_pages: Annotated[Ids, Meta(description="Pages that become columns; `hybrid` only.")] = []
    hybrid_questions: Annotated[Ids, Meta(description="Questions that become columns; `hybrid` only.")] = []
