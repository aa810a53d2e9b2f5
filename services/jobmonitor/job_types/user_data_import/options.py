"""What the import's form can offer."""

from collections.abc import Iterable, Iterator

import msgspec

from jobmonitor.database.pool import Connection
from jobmonitor.job_types.user_data_import.columns import why_not_taken
from jobmonitor.job_types.user_data_import.targets import (
    ColumnKind,
    ImportFormat,
    ImportTargets,
    TargetField,
    TargetPage,
    import_formats,
    read_targets,
)


class ColumnTarget(msgspec.Struct, frozen=True):
    """Something that a column can fill."""

    to: ColumnKind
    id: int | None
    """Of the field, question or page; null for the e-mail address."""
    name: str


class ColumnTargets(msgspec.Struct, frozen=True):
    """Targets of one kind."""

    name: str
    targets: list[ColumnTarget]


class ImportOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What the columns of a file can be, and which saved formats there are."""

    pages: list[TargetPage]
    """Those a participation can be imported for: live ones. By name."""
    formats: list[ImportFormat]
    """By name."""
    columns: list[ColumnTargets]
    """All that a column can fill, by kind; kinds without any are left out."""


async def import_options(connection: Connection) -> ImportOptions:
    """The choices of the account whose transaction this is."""
    targets = await read_targets(connection)
    pages = [page for page in targets.pages if why_not_taken(page) is None]
    return ImportOptions(
        pages=pages,
        formats=await import_formats(connection),
        columns=column_targets(msgspec.structs.replace(targets, pages=pages)),
    )


def column_targets(targets: ImportTargets) -> list[ColumnTargets]:
    """The e-mail field is offered once, as the address itself."""
    opt_ins = [each for each in targets.questions if each.kind != "question"]
    questions = [each for each in targets.questions if each.kind == "question"]
    groups = (
        ColumnTargets("Supporter fields", list(_fields(targets.fields))),
        ColumnTargets("Opt-ins (Y or N)", [ColumnTarget("question", each.id, each.name) for each in opt_ins]),
        ColumnTargets("Questions", [ColumnTarget("question", each.id, each.name) for each in questions]),
        ColumnTargets("Took part in (P)", [ColumnTarget("page", each.id, each.name) for each in targets.pages]),
    )
    return [group for group in groups if group.targets]


def _fields(fields: Iterable[TargetField]) -> Iterator[ColumnTarget]:
    """The address first."""
    known = list(fields)
    yield ColumnTarget("email", None, next((each.name for each in known if each.tag == "email"), "E-mail address"))
    yield from (ColumnTarget("field", each.id, each.name) for each in known if each.tag != "email")
