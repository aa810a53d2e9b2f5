"""Rows of result files are counted as readers count them, however the bytes come."""

import csv
import io

from hypothesis import given
from hypothesis import strategies as st

from jobmonitor.checker.files import CountsCsv

CELLS = st.text(alphabet='a",\n\r é', max_size=6)


@given(st.lists(st.lists(CELLS, min_size=2, max_size=3), max_size=6), st.integers(1, 7))
def test_records_of_csv_are_counted_whatever_is_in_them_and_wherever_they_are_cut(
    rows: list[list[str]], size: int
) -> None:
    text = io.StringIO()
    csv.writer(text).writerows([["heading"], *rows])
    content = text.getvalue().encode()
    counted = CountsCsv()
    for start in range(0, len(content), size):
        counted.add(content[start : start + size])
    assert counted.rows() == len(rows)


def test_a_last_line_without_an_end_is_a_row() -> None:
    counted = CountsCsv()
    counted.add(b"unit\r\n1\r\n2")
    assert counted.rows() == 2
