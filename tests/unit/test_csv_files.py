"""CSV that any reader reads back as it was, and that no spreadsheet runs."""

import csv
import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobmonitor.job_types.files.csv_files import BOM, csv_bytes, neutralise, unguarded

CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\0")) | st.text("=@+-;'\"\t\r\n＝5.x")
ROWS = st.integers(1, 5).flatmap(lambda width: st.lists(st.lists(CELLS, min_size=width, max_size=width)))


@given(ROWS)
def test_what_is_written_is_what_is_read(rows: list[list[str]]) -> None:
    text = (BOM + csv_bytes(rows)).decode("utf-8-sig")

    assert list(csv.reader(io.StringIO(text, newline=""), strict=True)) == rows


@given(ROWS, st.data())
def test_rows_written_apart_are_the_file_written_at_once(rows: list[list[str]], data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(rows)))

    assert csv_bytes(rows[:cut]) + csv_bytes(rows[cut:]) == csv_bytes(rows)


def test_lines_end_as_rfc_4180_says_and_only_what_needs_quotes_has_them() -> None:
    assert csv_bytes([["a", "b c"], ['say "hi"', "x,y"], ["two\nlines", ""]]) == (
        b'a,b c\r\n"say ""hi""","x,y"\r\n"two\nlines",\r\n'
    )


@pytest.mark.parametrize(
    "cell",
    ["=1+1", "@me", "\t=1", "\r1", "\n1", "+44 20", "-", "+", "-1+2", "--5", "-٣", "+1e5x", "＝1", "＠me", "-5;x"],
)
def test_a_cell_a_spreadsheet_might_run_gets_an_apostrophe(cell: str) -> None:
    assert neutralise(cell) == "'" + cell


@pytest.mark.parametrize(
    ("cell", "safe"),
    [
        ("'=1", "''=1"),
        ("x;=1+1", "x;'=1+1"),
        ('x;"=1+1', "x;\"'=1+1"),
        ("x;'=1", "x;''=1"),
        ("x\n＝1\r\n-5", "x\n'＝1\r\n-5"),
        ("=1;@me;-5;+1+1", "'=1;'@me;-5;'+1+1"),
        ("\n=1", "'\n'=1"),
    ],
)
def test_apostrophes_come_also_after_semicolons_and_line_breaks_and_can_be_told_from_others(
    cell: str, safe: str
) -> None:
    assert neutralise(cell) == safe
    assert unguarded(safe) == cell


@pytest.mark.parametrize(
    "cell", ["", "a", "-5", "a;-5;b", "a; =1", "a;b\nc", "+5", "-5.00", "+.5", "12", "a=b", " =1", "'a", "0044"]
)
def test_other_cells_and_signed_numbers_stay_as_they_are(cell: str) -> None:
    assert neutralise(cell) == cell


@given(CELLS)
def test_no_neutralised_cell_starts_a_formula(cell: str) -> None:
    safe = neutralise(cell)

    assert safe.replace("'", "") == cell.replace("'", "")
    pieces = [piece.lstrip('"') for piece in re.split("(?<=[;\r\n])", safe)[1:]]
    assert not any(piece.startswith(("=", "@", "\t", "＝")) for piece in (safe, *pieces))
    assert not safe.startswith(("\r", "\n"))


@given(CELLS)
def test_the_apostrophes_can_be_taken_away_again(cell: str) -> None:
    assert unguarded(neutralise(cell)) == cell


@pytest.mark.parametrize("cell", ["", "'", "'quoted'", "'-5", "O'Brien", "=1"])
def test_other_apostrophes_are_the_cells_own(cell: str) -> None:
    assert unguarded(cell) == cell
