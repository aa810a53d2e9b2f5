"""A process of its own: reads CSV from standard input, writes an Excel workbook to the path given as its argument.

Writing a workbook keeps a processor busy for seconds, which must not stop everything else in a worker. Started by
``xlsx_files`` as a plain file, so it imports nothing of ours.
"""

import csv
import io
import sys

CELL_UNITS_MAX = 32_767
"""What a cell of Excel holds, in UTF-16 code units."""


def fit(cell: str) -> str:
    """The cell, cut and ended with an ellipsis where Excel could not hold it."""
    units = cell.encode("utf-16-le")
    if len(units) <= 2 * CELL_UNITS_MAX:
        return cell
    return units[: 2 * (CELL_UNITS_MAX - 1)].decode("utf-16-le", "ignore") + "…"


def write_workbook(lines: io.TextIOBase, path: str) -> None:
    """One sheet; every cell is text, so nothing in it is a formula, a date or a number. Holds one row at a time."""
    import xlsxwriter  # a tenth of a process's start, and only this one needs it

    csv.field_size_limit(sys.maxsize)
    with xlsxwriter.Workbook(path, {"constant_memory": True, "use_zip64": True}) as workbook:
        sheet = workbook.add_worksheet("Export")
        sheet.freeze_panes(1, 0)
        for row_number, row in enumerate(csv.reader(lines)):
            for column, cell in enumerate(row):
                if cell:
                    sheet.write_string(row_number, column, fit(cell))


if __name__ == "__main__":
    write_workbook(io.TextIOWrapper(sys.stdin.buffer, encoding="utf-8", newline=""), sys.argv[1])
