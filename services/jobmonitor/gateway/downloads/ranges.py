"""The Range header (RFC 9110, section 14): one range of bytes; all else is ignored."""

import re
from typing import NamedTuple

_RANGE = re.compile(r"^bytes=\s*(?P<first>\d{1,18})?-(?P<last>\d{1,18})?\s*$", re.IGNORECASE)


class Span(NamedTuple):
    """Bytes ``start`` up to, not including, ``end``."""

    start: int
    end: int


class Unsatisfiable(Exception):
    """The file has no byte of that range."""


def requested_span(header: str | None, size_bytes: int) -> Span | None:
    """The part asked for; None: all of it. Several ranges at once and malformed ones are ignored, as the RFC allows.

    Raises Unsatisfiable.
    """
    found = _RANGE.match(header) if header else None
    if found is None or (found["first"] is None and found["last"] is None):
        return None
    if found["first"] is None:
        span = Span(max(0, size_bytes - int(found["last"])), size_bytes)
    else:
        first = int(found["first"])
        if found["last"] is not None and int(found["last"]) < first:
            return None
        span = Span(first, min(size_bytes, int(found["last"]) + 1) if found["last"] else size_bytes)
    if span.start >= span.end:
        raise Unsatisfiable
    return span
