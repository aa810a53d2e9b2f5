"""Reading the files of imports: which are refused as a whole, what a row is, what the preview shows."""

import io
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

from jobmonitor.job_types.files import xlsx_reader
from jobmonitor.job_types.files.tables import FILE_BYTES_MAX, BadFile, WorkbookNotRead, inspect, read_table
from jobmonitor.job_types.inspection import Inspection
from jobmonitor.job_types.protocol import Refused
from jobmonitor.job_types.user_data_import.columns import suggest
from jobmonitor.job_types.user_data_import.targets import ImportTargets, TargetField
from jobmonitor.runtime.failures import is_temporary

TARGETS = ImportTargets(
    fields=[TargetField(id=1, name="Email", tag="email"), TargetField(id=2, name="City")], questions=[], pages=[]
)


def rows(content: bytes) -> list[tuple[int, list[str]]]:
    return [(row.number, row.cells) for row in read_table(content).rows]


def workbook(*lines: list[Any], second_sheet: bool = False) -> bytes:
    """A workbook whose days are formatted as days."""
    file = io.BytesIO()
    book = xlsxwriter.Workbook(file, {"default_date_format": "yyyy-mm-dd", "strings_to_formulas": False})
    sheet = book.add_worksheet()
    for number, line in enumerate(lines):
        sheet.write_row(number, 0, line)
    if second_sheet:
        book.add_worksheet().write(0, 0, "of no interest")
    book.close()
    return file.getvalue()


def refused(content: bytes) -> Refused:
    with pytest.raises(Refused) as found:
        list(read_table(content).rows)
    return found.value


def test_row_numbers_are_those_of_a_spreadsheet_and_rows_without_text_are_no_data_rows() -> None:
    content = b"Email,City\r\na@x.org,Leeds\r\n\r\n,\r\nb@x.org,York\r\n"
    assert rows(content) == [(2, ["a@x.org", "Leeds"]), (5, ["b@x.org", "York"])]


def test_a_byte_order_mark_is_accepted() -> None:
    assert read_table(b"\xef\xbb\xbfEmail\r\n").headings == ["Email"]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_any_line_end_will_do_and_those_within_quotes_stay_as_they_are(end: str) -> None:
    content = f'Email,Notes{end}a@x.org,"one\r\ntwo\nthree\rfour ""five"""{end}'.encode()
    assert rows(content) == [(2, ["a@x.org", 'one\r\ntwo\nthree\rfour "five"'])]


def test_ex3_a_byte_that_is_no_utf8_refuses_the_file_and_says_where_it_is() -> None:
    content = "Email,City\na@x.org,Orléans\n".encode("windows-1252")
    problem = refused(content)
    assert isinstance(problem, BadFile)
    assert problem.byte_offset == content.index(b"\xe9") == 22
    assert "offset 22 (0xE9)" in str(problem)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "no_header"),
        (b"\xef\xbb\xbf", "no_header"),
        (b"\r\n\r\n", "no_header"),
        (b"Email,,City\r\n", "empty_header"),
        (b"Email,  ,City\r\n", "empty_header"),
        (b"Email,City,City\r\n", "duplicate_header"),
        (",".join(f"c{n}" for n in range(401)).encode(), "too_many_columns"),
        (b"Email;City\r\na@x.org;Leeds\r\n", "wrong_separator"),
        (b'Email,City\r\na@x.org,"Leeds\r\nb@x.org,York\r\n', "broken_csv"),
        (b'Email,City\r\na@x.org,"Leeds" or York\r\n', "broken_csv"),
        ("Email,City\r\n".encode("utf-16-le"), "not_text"),
        ("Email,City\r\n".encode("utf-16"), "not_utf8"),
        (b"\xd0\xcf\x11\xe0 an old workbook", "old_workbook"),
        (b"PK\x03\x04 no workbook", "bad_workbook"),
    ],
)
def test_a_file_nobody_could_read_rightly_is_refused_as_a_whole(content: bytes, code: str) -> None:
    assert refused(content).code == code


def test_400_columns_are_allowed() -> None:
    assert len(read_table(",".join(f"c{n}" for n in range(400)).encode()).headings) == 400


def test_ex4_a_file_of_20_mib_is_read_and_one_byte_more_is_refused() -> None:
    content = b"Email\r\n" + b"a" * (FILE_BYTES_MAX - 7)
    assert FILE_BYTES_MAX == 20_971_520
    assert len(rows(content)) == 1
    assert refused(content + b"a").code == "too_large"


def test_the_first_sheet_of_a_workbook_is_read_as_somebody_would_write_it_down() -> None:
    line = ["a@x.org", "007", 7, 1.5, date(2026, 1, 2), datetime(2026, 1, 2, 3, 4), True, "  '=1+1\r\n", "=1"]  # noqa: DTZ001 - a sheet knows no zones
    content = workbook(["Email", *"bcdefghi"], [], line, second_sheet=True)
    table = read_table(content)
    assert not table.guarded
    assert [tuple(row) for row in table.rows] == [
        (3, ["a@x.org", "007", "7", "1.5", "2026-01-02", "2026-01-02 03:04:00", "TRUE", "  '=1+1\r\n", "=1"])
    ]


def test_a_formula_counts_with_the_value_it_had() -> None:
    file = io.BytesIO()
    book = xlsxwriter.Workbook(file)
    sheet = book.add_worksheet()
    sheet.write_row(0, 0, ["Email", "Sum"])
    sheet.write(1, 0, "a@x.org")
    sheet.write_formula(1, 1, "=1+1", None, 2)
    book.close()
    assert rows(file.getvalue()) == [(2, ["a@x.org", "2"])]


def test_a_small_workbook_that_would_fill_the_memory_is_refused_and_does_no_harm() -> None:
    """One cell at each end of the sheet makes it 17 thousand million cells large."""
    file = io.BytesIO()
    book = xlsxwriter.Workbook(file)
    sheet = book.add_worksheet()
    sheet.write(0, 0, "Email")
    sheet.write(1_048_575, 16_383, "x")
    book.close()
    assert len(file.getvalue()) < 10_000
    assert refused(file.getvalue()).code == "too_much"


def test_a_workbook_that_takes_too_long_to_read_is_not_read_again_and_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What it takes 30 s to see is seen after one."""
    slow = tmp_path / "slow.py"
    slow.write_text(
        f"import sys\nsys.path.insert(0, {str(Path(xlsx_reader.__file__).parent)!r})\nimport xlsx_reader\n"
        "def endless(workbook):\n    while True:\n        pass\n    yield\n"
        "xlsx_reader._rows, xlsx_reader.CPU_S_MAX = endless, 1\nsys.exit(xlsx_reader.main(*sys.argv[1:]))\n"
    )
    monkeypatch.setattr(xlsx_reader, "__file__", str(slow))
    problem = refused(workbook(["Email"]))
    assert (problem.code, "30 s" in str(problem)) == ("too_much", True)


@pytest.mark.parametrize("signal_", ["SIGTERM", "SIGKILL"])
def test_a_reader_that_was_stopped_from_outside_says_nothing_about_the_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, signal_: str
) -> None:
    stopped = tmp_path / "stopped.py"
    stopped.write_text(f"import os, signal\nos.kill(os.getpid(), signal.{signal_})\n")
    monkeypatch.setattr(xlsx_reader, "__file__", str(stopped))
    with pytest.raises(WorkbookNotRead) as failed:
        read_table(workbook(["Email"]))
    assert is_temporary(failed.value)


def test_the_preview_shows_headings_with_their_meaning_the_first_rows_and_how_many_there_are() -> None:
    lines = "".join(f"a{n}@x.org,Leeds,{n}\r\n" for n in range(7)).replace(",Leeds,3", "")
    seen = inspect(f"E-Mail,city,Shoe size\r\n{lines}".encode())
    assert [(column.header, column.to, column.id) for column in suggest(seen.contents.headings, TARGETS)] == [
        ("E-Mail", "email", None),
        ("city", "field", 2),
        ("Shoe size", "skip", None),
    ]
    assert seen.contents.first_rows[3] == ["a3@x.org", "", ""]
    assert (len(seen.contents.first_rows), seen.contents.rows, seen.problem) == (5, 7, None)


def test_the_preview_shows_the_beginning_of_a_long_cell() -> None:
    seen = inspect(b"Email\r\n" + b"x" * 100_000 + b"\r\n")
    assert seen.contents.first_rows == [["x" * 200]]


def test_the_preview_says_what_is_wrong_instead_of_raising() -> None:
    seen = inspect("Email\né@x.org".encode("windows-1252"))
    assert seen.problem is not None
    assert (seen.problem.code, seen.problem.byte_offset) == ("not_utf8", 6)
    broken_later = inspect(b'Email\r\na@x.org\r\n"b@x.org\r\n')
    assert broken_later.problem is not None
    assert "Row 3" in broken_later.problem.message
    assert (broken_later.contents.headings, broken_later.contents.rows) == (["Email"], 1)
    assert inspect(b"") == Inspection(problem=inspect(b"").problem)


def test_a_small_workbook_that_holds_gigabytes_is_refused_in_words() -> None:
    target = io.BytesIO()
    with xlsxwriter.Workbook(target) as book:
        sheet = book.add_worksheet()
        for row in range(20_000):
            sheet.write_string(row, 0, "x" * 30_000)
    assert len(target.getvalue()) < 1_000_000

    problem = inspect(target.getvalue()).problem

    assert problem is not None
    assert (problem.code, "256 MB" in problem.message) == ("too_much", True)
