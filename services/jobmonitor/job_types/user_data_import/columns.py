"""What each column of an imported file means: by its heading, by the user's mapping, or by a saved format. Pure.

A heading is matched to the name of a field, else of a question or opt-in, else of a page; exactly first, then without
regard to case and surrounding spaces. Two columns never fill the same thing. Columns that match nothing are skipped.
"""

from collections.abc import Iterator, Sequence
from typing import Literal, TypeVar

import msgspec

from jobmonitor.job_types.files.csv_files import unguarded
from jobmonitor.job_types.protocol import Refused
from jobmonitor.job_types.user_data_import.targets import (
    ColumnMapping,
    ImportFormat,
    ImportTargets,
    TargetField,
    TargetPage,
    TargetQuestion,
)

EMAIL_HEADINGS = ("email", "e-mail", "email address", "supporter email")
"""Understood where no field's name matches; ours and those of other products' exports."""
ACTIVITY_TYPES = {
    "petition": "PET",
    "email_to_target": "ETT",
    "event": "EVT",
    "survey": "SUR",
    "subscription": "QCB",
    "ecard": "ECD",
}
"""What a participation on a page of this kind is. Who gave on a donation page gave money: that is another import."""

Target = TypeVar("Target", TargetField, TargetQuestion, TargetPage)
Rule = Literal["email", "text", "date", "amount", "currency", "opt_in", "participation"]
_RULES_OF_TAGS: dict[str | None, Rule] = {"hpc_amount": "amount", "hpc_currency": "currency"}


class Column(msgspec.Struct, frozen=True, array_like=True):
    """A column that is imported."""

    position: int
    """In the file, from 0."""
    header: str
    to: Literal["email", "field", "question", "page"]
    id: int
    """Of the field, the question, or the page's campaign; 0 for the e-mail address."""
    rule: Rule
    """What its cells may hold."""
    activity_type: str = ""
    """Of the participation, where ``to`` is a page."""


def suggest(headings: Sequence[str], targets: ImportTargets) -> list[ColumnMapping]:
    """For each heading what it most likely means; ``skip`` where that is nothing."""
    suggested: dict[int, ColumnMapping] = {}
    for match in (_exact, _loose):
        known = dict(reversed([(match(name), mapping) for name, mapping in _known_names(targets)]))
        for position, heading in enumerate(headings):
            found = known.get(match(heading)) or known.get(match(unguarded(heading)))
            taken = {(mapping.to, mapping.id) for mapping in suggested.values()}
            if position not in suggested and found is not None and (found.to, found.id) not in taken:
                suggested[position] = msgspec.structs.replace(found, header=heading)
    return [
        suggested.get(position, ColumnMapping(header=heading, to="skip")) for position, heading in enumerate(headings)
    ]


def _exact(name: str) -> str:
    return name


def _loose(name: str) -> str:
    return name.strip().casefold()


def _known_names(targets: ImportTargets) -> Iterator[tuple[str, ColumnMapping]]:
    """Names and what they stand for; of two things with one name the first counts."""
    for field in targets.fields:
        to_email = field.tag == "email"
        yield (
            field.name,
            ColumnMapping(header="", to="email" if to_email else "field", id=None if to_email else field.id),
        )
    yield from ((heading, ColumnMapping(header="", to="email")) for heading in EMAIL_HEADINGS)
    for question in targets.questions:
        yield question.name, ColumnMapping(header="", to="question", id=question.id)
    for page in targets.pages:
        if why_not_taken(page) is None:
            yield page.name, ColumnMapping(header="", to="page", id=page.id)


def why_not_taken(page: TargetPage) -> str | None:
    """Why nobody can be imported as having taken part on this page; None where it can be done."""
    if page.status != "live":
        return f"The page {page.name!r} is not live."
    if page.kind not in ACTIVITY_TYPES:
        return f"The page {page.name!r} takes gifts: they are imported as transactions."
    return None


def check_format(headings: Sequence[str], saved: ImportFormat) -> None:
    """Raises Refused unless the file has exactly the saved format's columns in their order."""
    expected = [column.header for column in saved.columns]
    if list(headings) == expected:
        return
    found = f"it has {len(headings)} columns, not {len(expected)}"
    for number, (heading, wanted) in enumerate(zip(headings, expected, strict=False), start=1):
        if heading != wanted:
            found = f"column {number} is {heading!r}, not {wanted!r}"
            break
    reason = f"The file does not match the saved format {saved.name!r} exactly: {found}."
    raise _refused("format_mismatch", reason, parameter="format_id")


def resolve(headings: Sequence[str], mappings: Sequence[ColumnMapping], targets: ImportTargets) -> list[Column]:
    """The columns to import, in the file's order. No mappings: as suggested. Raises Refused."""
    check_mappings(mappings, targets)
    positions = {heading: position for position, heading in enumerate(headings)}
    for mapping in mappings:
        if mapping.header not in positions:
            raise _refused("unknown_header", f"The file has no column {mapping.header!r}.", parameter="columns")
    chosen = mappings or suggest(headings, targets)
    columns = [_column(positions[mapping.header], mapping, targets) for mapping in chosen if mapping.to != "skip"]
    if not any(column.to == "email" for column in columns):
        raise _refused("email_required", "No column holds the e-mail address; without it nobody can be matched.")
    return sorted(columns, key=lambda column: column.position)


def check_mappings(mappings: Sequence[ColumnMapping], targets: ImportTargets) -> None:
    """What can be known without the file. Raises Refused: a doubled column or target, something that does not exist."""
    headers, filled = set[str](), set[tuple[str, int]]()
    for mapping in mappings:
        column = None if mapping.to == "skip" else _column(0, mapping, targets)
        if mapping.header in headers or (column and (column.to, column.id) in filled):
            reason = f"The column {mapping.header!r} is mapped twice, or fills what another column fills already."
            raise _refused("mapped_twice", reason, parameter="columns")
        headers.add(mapping.header)
        if column:
            filled.add((column.to, column.id))


def participation(page: TargetPage, parameter: str) -> tuple[int, str]:
    """The campaign of a page and the type of the activity that says who took part. Raises Refused: not on this page."""
    if (reason := why_not_taken(page)) is not None:
        raise _refused("page_not_live" if page.status != "live" else "page_takes_gifts", reason, parameter=parameter)
    return page.campaign_id, ACTIVITY_TYPES[page.kind]


def find_page(page_id: int, targets: ImportTargets, parameter: str) -> TargetPage:
    """Raises Refused: the account has no such page."""
    return _find(targets.pages, page_id, "page", parameter)


def _column(position: int, mapping: ColumnMapping, targets: ImportTargets) -> Column:
    header, wanted = mapping.header, mapping.id or 0
    if mapping.to == "question":
        question = _find(targets.questions, wanted, "question", "columns")
        return Column(position, header, "question", wanted, "text" if question.kind == "question" else "opt_in")
    if mapping.to == "page":
        campaign_id, activity_type = participation(find_page(wanted, targets, "columns"), "columns")
        return Column(position, header, "page", campaign_id, "participation", activity_type)
    field = _find(targets.fields, wanted, "field", "columns") if mapping.to == "field" else None
    if field is None or field.tag == "email":
        return Column(position, header, "email", 0, "email")
    return Column(position, header, "field", wanted, _rule_of(field))


def _rule_of(field: TargetField) -> Rule:
    return "date" if field.input_type == "date" else _RULES_OF_TAGS.get(field.tag, "text")


def _find(known: Sequence[Target], wanted: int, kind: str, parameter: str) -> Target:
    for target in known:
        if target.id == wanted:
            return target
    raise _refused(f"unknown_{kind}", f"There is no {kind} {wanted}.", parameter=parameter)


def _refused(code: str, reason: str, *, parameter: str = "upload") -> Refused:
    return Refused(code, reason, parameter=parameter)
