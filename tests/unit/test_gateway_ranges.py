"""The Range header: what is asked for lies in the file and is as long as the header says, or is all of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobmonitor.gateway.downloads.ranges import Span, Unsatisfiable, requested_span


@pytest.mark.parametrize(
    ("header", "span"),
    [
        (None, None),
        ("", None),
        ("bytes=0-", Span(0, 10)),
        ("bytes=0-9", Span(0, 10)),
        ("BYTES=2-3", Span(2, 4)),
        ("bytes= 2-3 ", Span(2, 4)),
        ("bytes=9-99", Span(9, 10)),
        ("bytes=-3", Span(7, 10)),
        ("bytes=-99", Span(0, 10)),
        ("bytes=-", None),
        ("bytes=3-2", None),
        ("bytes=0-1,5-6", None),
        ("bytes=1.5-2", None),
        ("bytes=" + "9" * 30 + "-", None),
    ],
)
def test_ranges(header: str | None, span: Span | None) -> None:
    assert requested_span(header, 10) == span


@pytest.mark.parametrize("header", ["bytes=10-", "bytes=10-11", "bytes=-0"])
def test_ranges_without_a_byte(header: str) -> None:
    with pytest.raises(Unsatisfiable):
        requested_span(header, 10)


@given(size=st.integers(0, 10**12), first=st.integers(0, 10**12), length=st.integers(1, 10**6))
def test_a_span_is_what_the_file_has_of_the_range(size: int, first: int, length: int) -> None:
    try:
        span = requested_span(f"bytes={first}-{first + length - 1}", size)
    except Unsatisfiable:
        assert first >= size
    else:
        assert span == Span(first, min(first + length, size))
        assert span.start < span.end <= size


@given(st.text(max_size=30))
def test_no_header_breaks_it(text: str) -> None:
    try:
        span = requested_span(text, 10)
    except Unsatisfiable:
        return
    assert span is None or 0 <= span.start < span.end <= 10
