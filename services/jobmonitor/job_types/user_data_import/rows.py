"""What one row of an imported file does: pure. The rules are those of the domain text on the User Data Import.

An empty cell leaves what is stored; so does a cell that says what is stored already, whatever it says. ``\\N`` is a
text like any other.
"""

import re
from collections.abc import Mapping
from datetime import date
from typing import Literal

import msgspec

from jobmonitor.job_types.files.csv_files import unguarded
from jobmonitor.job_types.user_data_import.columns import Column, Rule
from jobmonitor.job_types.user_data_import.store import Known, StoredAnswer
from jobmonitor.job_types.user_data_import.targets import ImportMode

EMAIL_LENGTH_MAX = 500

Outcome = Literal["created", "updated", "unchanged", "ignored_existing", "duplicate_in_file", "error"]

_LOCAL = r"[^\s@.\"(),:;<>\[\]\\\x00-\x1f\x7f]+"
_LABEL = r"[^\W_]([\w-]*[^\W_])?"
_EMAIL = re.compile(rf"{_LOCAL}(\.{_LOCAL})*@({_LABEL}\.)+[^\W\d_]([\w-]*[^\W_])", re.UNICODE)
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_AMOUNT = re.compile(r"\d{1,12}(\.\d{1,3})?", re.ASCII)


class BadRow(Exception):
    """The row is refused, for this reason; nothing of it is applied."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Row(msgspec.Struct, frozen=True, array_like=True):
    """A data row as it waits to be imported."""

    number: int
    cells: list[str]
    """One for each imported column."""
    surplus: bool = False
    """Whether the file has more cells in this row than headings."""


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """What is the same for all rows of an import."""

    columns: list[Column]
    """The imported ones, in the order of the rows' cells."""
    mode: ImportMode
    resubscribe: bool
    """Whether a ``Y`` counts more than the ``N`` of a supporter who unsubscribed."""
    tag: tuple[int, str] | None
    """Everybody in the file took part in this campaign, by an activity of this type."""
    guarded: bool
    """Whether cells may carry the ``'`` our own exports put before formulas."""


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """What a row does."""

    outcome: Outcome
    code: str = ""
    message: str = ""
    values: dict[int, str] = {}
    """New texts, under the field's id."""
    answers: dict[int, str] = {}
    """New answers, under the question's id."""
    participations: dict[int, str] = {}
    """New ones: the activity's type, under the campaign's id."""
    after: Known | None = None
    """The supporter as later rows will find them; None: the row is about nobody."""


def addresses(row: Row, rules: Rules) -> list[str]:
    """The readings of the row's e-mail cell, the likeliest first; empty ones are none."""
    position = next(position for position, column in enumerate(rules.columns) if column.to == "email")
    return [address for text in _readings(row.cells[position], rules) if (address := text.strip())]


def decide_row(row: Row, address: str, known: Known | None, rules: Rules, decimals: Mapping[str, int]) -> Decision:
    """What the row does to the supporter with this address; ``known`` is None where nobody has it.

    ``decimals`` are those of each currency.
    """
    try:
        if known is None:
            _check_address(address)
        return _apply(row, known, rules, decimals)
    except BadRow as bad:
        return Decision(outcome="error", code=bad.code, message=str(bad))


def _check_address(address: str) -> None:
    if not address:
        raise BadRow("bad_email", "There is no e-mail address.")
    if len(address) > EMAIL_LENGTH_MAX:
        raise BadRow("bad_email", f"An e-mail address has at most {EMAIL_LENGTH_MAX} characters.")
    if not _EMAIL.fullmatch(address):
        raise BadRow("bad_email", "This is not an e-mail address.")


def _apply(row: Row, known: Known | None, rules: Rules, decimals: Mapping[str, int]) -> Decision:
    if row.surplus:
        raise BadRow("too_many_cells", "The row has more cells than there are headings.")
    before = known or Known()
    values = _new_values(row, before, rules, decimals)
    answers, kept = _new_answers(row, before, rules)
    participations = _new_participations(row, before, rules)
    if known is not None and rules.mode == "only_create":
        return Decision(outcome="ignored_existing", after=known)
    outcome: Outcome = "created" if known is None else "updated" if values or answers or participations else "unchanged"
    message = "" if not kept else f"Unsubscribed by the supporter, and kept so: {', '.join(kept)}."
    if before.first_row is not None:
        outcome, message = "duplicate_in_file", f"The same address as in row {before.first_row}. {message}".strip()
    return Decision(
        outcome=outcome,
        code="kept_unsubscribed" if kept else "",
        message=message,
        values=values,
        answers=answers,
        participations=participations,
        after=Known(
            id=before.id,
            values=before.values | values,
            answers=before.answers | {question: StoredAnswer(value, "import") for question, value in answers.items()},
            campaigns=before.campaigns | participations.keys(),
            first_row=row.number if before.first_row is None else before.first_row,
        ),
    )


def _new_values(row: Row, before: Known, rules: Rules, decimals: Mapping[str, int]) -> dict[int, str]:
    new: dict[int, str] = {}
    for column, cell in zip(rules.columns, row.cells, strict=True):
        if column.to == "field" and (text := _new_text(cell, before.values.get(column.id), rules)) is not None:
            _CHECKS[column.rule](text, column.header)
            new[column.id] = text
    _check_contribution(new, before.values | new, rules, decimals)
    return new


def _new_text(cell: str, stored: str | None, rules: Rules) -> str | None:
    """What the cell says anew; None: nothing."""
    readings = _readings(cell, rules)
    return None if not cell or stored in readings else readings[0]


def _readings(cell: str, rules: Rules) -> tuple[str, ...]:
    """A ``'`` before a formula is our own exports' guard, unless it was always there: then the text is stored so."""
    return (unguarded(cell), cell) if rules.guarded else (cell,)


def _new_answers(row: Row, before: Known, rules: Rules) -> tuple[dict[int, str], list[str]]:
    """The new answers, and the headings of those that stay because the supporter unsubscribed."""
    new: dict[int, str] = {}
    kept: list[str] = []
    for column, cell in zip(rules.columns, row.cells, strict=True):
        if column.to != "question":
            continue
        stored = before.answers.get(column.id)
        text = _new_text(cell, stored.value if stored else None, rules)
        if text is None:
            continue
        _CHECKS[column.rule](text, column.header)
        if column.rule == "opt_in" and stored == StoredAnswer("N", "page") and not rules.resubscribe:
            kept.append(column.header)
        else:
            new[column.id] = text
    return new, kept


def _new_participations(row: Row, before: Known, rules: Rules) -> dict[int, str]:
    """Who took part already does not do so again: a file imported twice changes nothing the second time."""
    new = {} if rules.tag is None else dict([rules.tag])
    for column, cell in zip(rules.columns, row.cells, strict=True):
        if column.to == "page" and cell:
            _CHECKS[column.rule](cell, column.header)
            new[column.id] = column.activity_type
    return {campaign: type_ for campaign, type_ in new.items() if campaign not in before.campaigns}


def _check_nothing(text: str, header: str) -> None:
    """Any text will do."""


def _check_opt_in(text: str, header: str) -> None:
    if text not in ("Y", "N"):
        raise BadRow("bad_opt_in", f"{header}: an opt-in is Y or N.")


def _check_participation(text: str, header: str) -> None:
    """``P``; and ``Y``, which is what our own exports write."""
    if text not in ("P", "Y"):
        raise BadRow("bad_participation", f"{header}: P stands for having taken part; nothing else is allowed.")


def _check_day(text: str, header: str) -> None:
    try:
        good = _DAY.fullmatch(text) is not None and date.fromisoformat(text) is not None
    except ValueError:
        good = False
    if not good:
        raise BadRow("bad_date", f"{header}: a date is written yyyy-mm-dd.")


def _check_amount(text: str, header: str) -> None:
    if not _AMOUNT.fullmatch(text):
        raise BadRow("bad_amount", f"{header}: an amount is written like 25 or 25.50.")


_CHECKS = {
    "email": _check_nothing,
    "text": _check_nothing,
    "currency": _check_nothing,
    "opt_in": _check_opt_in,
    "participation": _check_participation,
    "date": _check_day,
    "amount": _check_amount,
}


def _check_contribution(
    new: Mapping[int, str], after: Mapping[int, str], rules: Rules, decimals: Mapping[str, int]
) -> None:
    """The highest previous contribution: a known currency, and no more decimals than that has."""
    by_rule: dict[Rule, Column] = {column.rule: column for column in rules.columns if column.to == "field"}
    currency, amount = by_rule.get("currency"), by_rule.get("amount")
    code = after.get(currency.id, "") if currency else ""
    if currency and currency.id in new and code not in decimals:
        raise BadRow("bad_currency", f"{currency.header}: a currency is written as its code, for instance USD.")
    if amount and amount.id in new and len(new[amount.id].partition(".")[2]) > decimals.get(code, 3):
        raise BadRow("bad_amount", f"{amount.header}: {code} has only {decimals[code]} decimals.")
