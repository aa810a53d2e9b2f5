"""CSV as our users download it: RFC 4180, UTF-8, CRLF, and safe to open in a spreadsheet.

The rules are the project's own (domain rules common to all job types); the list of dangerous first characters follows
OWASP's page on CSV injection, which names carriage return and line feed besides the tab.
"""

import csv
import io
import re
from collections.abc import Callable, Iterable, Sequence

BOM = b"\xef\xbb\xbf"
"""Opens every CSV file of the dashboard, so that spreadsheets read it as UTF-8; never API output."""

MEDIA_TYPE = "text/csv; charset=utf-8"

_FULL_WIDTH = "\uff1d\uff0b\uff0d\uff20"
"""``=+-@`` as East Asian input methods write them; spreadsheets take these, too."""
_NUMBER = r"(?: \d+\.?\d* | \.\d+ )"
_FIRST = re.compile(
    rf"\A (?P<before>) (?P<own>'*) (?= [=@\t\r\n{_FULL_WIDTH}] | [+-] (?! {_NUMBER} \Z) )", re.ASCII | re.VERBOSE
)
_INNER = re.compile(
    rf"(?<=[;\r\n]) (?P<before>\"*) (?P<own>'*) (?= [=@\t{_FULL_WIDTH}] | [+-] (?! {_NUMBER} (?: [;\r\n] | \Z ) ) )",
    re.ASCII | re.VERBOSE,
)
"""Where a spreadsheet that splits lines at semicolons, as many languages' do, sees a cell begin with a formula."""


_MAY_BEGIN = frozenset("'=@\t\r\n+-" + _FULL_WIDTH)
"""Few cells begin so: the others need no pattern."""


def neutralise(cell: str) -> str:
    """The cell with a ``'`` wherever a spreadsheet might take it for a formula; numbers keep their sign.

    That is at its start, and after semicolons and line breaks: a spreadsheet that takes semicolons for separators
    finds quotes in the middle of a field and heeds them no more. ``unguarded`` takes exactly these away again.
    """
    return _changed(cell, lambda found: f"{found['before']}'{found['own']}")


def unguarded(cell: str) -> str:
    """The cell without each ``'`` that ``neutralise`` put into it; any other cell as it is.

    A ``'`` in a file that is not ours looks the same: who must know asks for both.
    """
    return _changed(cell, lambda found: found["before"] + found["own"][1:])


def _changed(cell: str, change: Callable[[re.Match[str]], str]) -> str:
    if cell[:1] in _MAY_BEGIN:
        cell = _FIRST.sub(change, cell)
    if ";" in cell or "\n" in cell or "\r" in cell:
        cell = _INNER.sub(change, cell)
    return cell


def csv_bytes(rows: Iterable[Sequence[str]]) -> bytes:
    """The rows as CSV lines, without a BOM. No rows give no bytes."""
    lines = io.StringIO(newline="")
    csv.writer(lines, lineterminator="\r\n").writerows(rows)
    return lines.getvalue().encode("utf-8")
