"""Reads the first sheet of an Excel workbook into a CSV file. A program of its own, run as ``xlsx_reader.py IN OUT``.

A workbook of a few kilobytes can ask for any amount of memory, and reading holds up its process; so it happens in one
that is bounded. Exit status 0: written; 4: the disk did not take it; 5: it would have become too large; any other: no
workbook that can be read.
"""

import csv
import datetime
import errno
import resource
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from python_calamine import CalamineError, CalamineWorkbook, SheetTypeEnum

UNREADABLE = 3
NOT_WRITTEN = 4
TOO_LARGE = 5
MEMORY_BYTES_MAX = 1024**3
"""A workbook of 20 MB with four million filled cells takes 350 MB."""
CPU_S_MAX = 30
"""The same takes seven seconds."""
CSV_BYTES_MAX = 256 * 1024**2
"""The same becomes 29 MB."""
WHOLE_NUMBER_MAX = 10**15
"""Excel keeps 15 digits."""


def main(workbook: str, csv_file: str) -> int:
    with suppress(ValueError):  # macOS has no such limit
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES_MAX, MEMORY_BYTES_MAX))
    # with both at once the process would be killed, as if from outside
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S_MAX, CPU_S_MAX + 5))
    resource.setrlimit(resource.RLIMIT_FSIZE, (CSV_BYTES_MAX, CSV_BYTES_MAX))
    try:
        with Path(csv_file).open("w", encoding="utf-8", newline="") as out:
            csv.writer(out, lineterminator="\r\n").writerows(_rows(workbook))
    except CalamineError:
        return UNREADABLE
    except MemoryError:
        return TOO_LARGE
    except OSError as error:
        return TOO_LARGE if error.errno == errno.EFBIG else NOT_WRITTEN
    return 0


def _rows(workbook: str) -> Iterator[list[str]]:
    with CalamineWorkbook.from_path(workbook) as book:
        sheets = [sheet.name for sheet in book.sheets_metadata if sheet.typ == SheetTypeEnum.WorkSheet]
        for row in book.get_sheet_by_name(sheets[0]).iter_rows() if sheets else ():
            yield [_text(cell) for cell in row]


def _text(cell: object) -> str:
    """As somebody reading the sheet would write it down: whole numbers without decimals, ISO days."""
    match cell:
        case bool():
            return "TRUE" if cell else "FALSE"
        case float():
            return str(int(cell)) if cell.is_integer() and abs(cell) < WHOLE_NUMBER_MAX else repr(cell)
        case datetime.datetime():
            return cell.date().isoformat() if cell.time() == datetime.time() else cell.isoformat(sep=" ")
        case datetime.date():
            return cell.isoformat()
        case _:
            return str(cell).replace("\0", "")


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
