"""What the import's form can offer."""

import msgspec

from jobmonitor.database.pool import Connection
from jobmonitor.job_types.user_data_import.columns import why_not_taken
from jobmonitor.job_types.user_data_import.targets import (
    ImportFormat,
    TargetField,
    TargetPage,
    TargetQuestion,
    import_formats,
    read_targets,
)


class ImportOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What the columns of a file can be, and which saved formats there are."""

    fields: list[TargetField]
    """In the account's order; the one with the tag ``email`` is the address itself."""
    questions: list[TargetQuestion]
    """By name; opt-ins among them."""
    pages: list[TargetPage]
    """Those a participation can be imported for: live ones. By name."""
    formats: list[ImportFormat]
    """By name."""


async def import_options(connection: Connection) -> ImportOptions:
    """The choices of the account whose transaction this is."""
    targets = await read_targets(connection)
    return ImportOptions(
        fields=targets.fields,
        questions=targets.questions,
        pages=[page for page in targets.pages if why_not_taken(page) is None],
        formats=await import_formats(connection),
    )
