"""CSV as our users download it: RFC 4180, UTF-8, CRLF, and safe to open in a spreadsheet.

The rules are the project's own (domain rules common to all job types); the list of dangerous first characters follows
OWASP's page on CSV injection, which names carriage return and line feed besides the tab.
"""

import csv
import io
import re
from collections.abc import Iterable, Sequence

BOM = b"\xef\xbb\xbf"
"""Opens every CSV file of the dashboard, so that spreadsheets read it as UTF-8; never API output."""

MEDIA_TYPE = "text/csv; charset=utf-8"

_SIGNS = frozenset("+-")
_FULL_WIDTH = frozenset("\uff1d\uff0b\uff0d\uff20")
"""``=+-@`` as East Asian input methods write them; spreadsheets take these, too."""
_DANGEROUS = frozenset("=@\t\r\n") | _SIGNS | _FULL_WIDTH
_NUMBER = re.compile(r"[+-](\d+\.?\d*|\.\d+)", re.ASCII)


def neutralise(cell: str) -> str:
    """The cell with a leading ``'`` if a spreadsheet might take it for a formula; numbers keep their sign."""
    first = cell[:1]
    if first not in _DANGEROUS or (first in _SIGNS and _NUMBER.fullmatch(cell)):
        return cell
    return "'" + cell


def unguarded(cell: str) -> str:
    """The cell without the ``'`` that ``neutralise`` put before it; any other cell as it is.

    A text that has a ``'`` of its own before a dangerous character looks the same: who must know asks for both.
    """
    return cell[1:] if cell[:1] == "'" and neutralise(cell[1:]) == cell else cell


def csv_bytes(rows: Iterable[Sequence[str]]) -> bytes:
    """The rows as CSV lines, without a BOM. No rows give no bytes."""
    lines = io.StringIO(newline="")
    csv.writer(lines, lineterminator="\r\n").writerows(rows)
    return lines.getvalue().encode("utf-8")
