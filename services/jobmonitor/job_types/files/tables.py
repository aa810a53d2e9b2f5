"""Reading files of rows: CSV in UTF-8, or the first sheet of an Excel workbook.

The rules are our own decisions: a byte order mark is accepted; a byte that is no UTF-8 refuses the whole file; rows
without any text are passed over, but numbered. Row numbers are those a spreadsheet shows: the headings are row 1.
"""

import csv
import io
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO, NamedTuple

from jobmonitor.crm.uploads import UploadContents
from jobmonitor.job_types.cpu_process import bare_environment
from jobmonitor.job_types.files import xlsx_reader
from jobmonitor.job_types.files.csv_files import BOM
from jobmonitor.job_types.inspection import FileProblem, Inspection
from jobmonitor.job_types.protocol import Refused

FILE_BYTES_MAX = 20 * 1024 * 1024
COLUMNS_MAX = 400
PREVIEW_ROWS = 5
PREVIEW_CELL_LENGTH = 200
"""A cell may be as long as its file; what is shown of it is not."""

_ZIP = b"PK\x03\x04"
_OLD_EXCEL = b"\xd0\xcf\x11\xe0"
_NOT_THE_FILES_FAULT = (xlsx_reader.NOT_WRITTEN, -signal.SIGTERM, -signal.SIGINT, -signal.SIGKILL)
_TOO_LARGE = (xlsx_reader.TOO_LARGE, -signal.SIGXCPU, -signal.SIGABRT)
"""Too much text, processor time or memory."""
_TOO_MUCH = (
    f"The workbook takes too much to read: more than {xlsx_reader.CSV_BYTES_MAX // 1024**2} MB of text, "
    f"{xlsx_reader.MEMORY_BYTES_MAX // 1024**3} GB of memory or {xlsx_reader.CPU_S_MAX} s. Split it into smaller "
    "files, and look whether a cell stands far away from the others."
)
csv.field_size_limit(FILE_BYTES_MAX)  # a cell may be as long as its file; the standard's limit is 128 KiB


class BadFile(Refused):
    """The file cannot be read as a whole. The message says what to do about it."""

    def __init__(self, code: str, reason: str, *, byte_offset: int | None = None) -> None:
        super().__init__(code, reason, parameter="upload")
        self.byte_offset = byte_offset
        """Where the first bad byte is, counted from 0; None where it is not about a byte."""


class WorkbookNotRead(OSError):
    """The reading process was ended from outside, or had no room to write. Trying again may help."""


class FileRow(NamedTuple):
    """One data row."""

    number: int
    """As a spreadsheet shows it: the headings are row 1."""
    cells: list[str]
    """Any number of them."""


class Table(NamedTuple):
    """A file that turned out to be readable so far."""

    headings: list[str]
    rows: Iterator[FileRow]
    """Read as they are asked for. Raises BadFile on the way: quotes that do not pair."""
    guarded: bool
    """Whether cells may carry the ``'`` our own exports put before formulas: in CSV."""


def inspect(content: bytes) -> Inspection:
    """Read all of the file; never raises for what is in it. Takes a second or two for 20 MB: see ``look_through``."""
    headings: list[str] = []
    first_rows: list[list[str]] = []
    rows = 0
    problem = None
    try:
        table = read_table(content)
        headings = table.headings
        for rows, row in enumerate(table.rows, start=1):
            if rows <= PREVIEW_ROWS:
                first_rows.append([cell[:PREVIEW_CELL_LENGTH] for cell in fitted(row.cells, len(headings))])
    except Refused as refused:
        offset = refused.byte_offset if isinstance(refused, BadFile) else None
        problem = FileProblem(code=refused.code, message=str(refused), byte_offset=offset)
    return Inspection(contents=UploadContents(headings=headings, first_rows=first_rows, rows=rows), problem=problem)


def fitted(cells: Sequence[str], width: int) -> list[str]:
    """The cells filled up, or cut, to this number."""
    return [*cells[:width], *[""] * (width - len(cells))]


def is_workbook(content: bytes) -> bool:
    """Whether the file is of Excel's format, or at least an archive; all others count as CSV."""
    return content.startswith(_ZIP)


def read_table(content: bytes) -> Table:
    """The headings, and the rows as they are asked for. Raises Refused: what makes the whole file unusable."""
    if len(content) > FILE_BYTES_MAX:
        raise BadFile("too_large", f"The file has more than {FILE_BYTES_MAX:,} bytes.")
    records = _records(_workbook_as_csv(content) if is_workbook(content) else _checked_csv(content))
    headings = next(records, None)
    if headings is None:
        raise BadFile("no_header", "The file is empty: its first row has to name the columns.")
    check_headings(headings.cells)
    return Table(headings.cells, records, guarded=not is_workbook(content))


def check_headings(headings: Sequence[str]) -> None:
    """Raises BadFile: too many, an empty one, one twice, or commas that are none."""
    if len(headings) > COLUMNS_MAX:
        raise BadFile("too_many_columns", f"The file has {len(headings)} columns; at most {COLUMNS_MAX} are allowed.")
    if len(headings) == 1 and any(separator in headings[0] for separator in ";\t|"):
        raise BadFile("wrong_separator", "The columns of a CSV file have to be separated by commas.")
    for number, heading in enumerate(headings, start=1):
        if not heading.strip():
            raise BadFile("empty_header", f"Column {number} has no heading.")
        if heading in headings[: number - 1]:
            raise BadFile("duplicate_header", f"The heading {heading!r} stands twice: columns need names of their own.")


def _checked_csv(content: bytes) -> BinaryIO:
    if content.startswith(_OLD_EXCEL):
        raise BadFile(
            "old_workbook", "This workbook is in the old Excel format or has a password. Save it as .xlsx or CSV."
        )
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as error:
        byte = f"the byte at offset {error.start:,} (0x{content[error.start]:02X})"
        reason = f"The file is not in UTF-8: {byte} does not belong there. Save it as CSV in UTF-8."
        raise BadFile("not_utf8", reason, byte_offset=error.start) from None
    if (offset := content.find(b"\0")) >= 0:
        raise BadFile(
            "not_text", f"The file is not text: there is a zero byte at offset {offset:,}.", byte_offset=offset
        )
    return io.BytesIO(content.removeprefix(BOM))


def _workbook_as_csv(content: bytes) -> BinaryIO:
    """Read by a process of its own, whose memory is bounded. Raises BadFile, WorkbookNotRead."""
    with TemporaryDirectory(prefix="jobmonitor-import-") as folder:
        workbook, csv_file = Path(folder) / "import.xlsx", Path(folder) / "import.csv"
        workbook.write_bytes(content)
        # -P: the reader's own folder must not shadow the standard library
        command = [sys.executable, "-P", xlsx_reader.__file__, str(workbook), str(csv_file)]
        ended = subprocess.run(  # noqa: S603
            command, check=False, stderr=subprocess.DEVNULL, env=bare_environment()
        )
        if ended.returncode in _NOT_THE_FILES_FAULT:
            raise WorkbookNotRead(f"The process that reads the workbook ended with {ended.returncode}.")
        if ended.returncode in _TOO_LARGE:
            raise BadFile("too_much", _TOO_MUCH)
        if ended.returncode != 0:
            raise BadFile("bad_workbook", "The Excel file cannot be read. Save it anew as .xlsx, or as CSV.")
        return csv_file.open("rb")  # goes when it is closed


def _records(source: BinaryIO) -> Iterator[FileRow]:
    """The rows that hold anything, the headings first. ``strict``: a lone quote must not swallow the rest unseen."""
    number = 0
    with io.TextIOWrapper(source, encoding="utf-8", newline="") as text:
        try:
            for number, cells in enumerate(csv.reader(text, strict=True), start=1):
                if any(cells):
                    yield FileRow(number, cells)
        except csv.Error as error:
            raise BadFile("broken_csv", f"Row {number + 1} is not CSV as it should be: {error}.") from error
