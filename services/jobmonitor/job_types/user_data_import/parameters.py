"""The parameters of a User Data Import."""

from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from jobmonitor.crm.supporter_query import Id
from jobmonitor.job_types.user_data_import.targets import ColumnMapping, ImportMode


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
