"""Which columns of PostgreSQL the fields of a row are."""

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec
import pytest

from jobmonitor.projection.row_source import columns_of


class Color(StrEnum):
    RED = "red"


class Inner(msgspec.Struct):
    size: int


class Other(msgspec.Struct):
    size: int


class Row(msgspec.Struct):
    id: UUID
    name: str
    color: Color | None
    open: bool
    count: int | None
    at: datetime | None
    day: date
    values: dict[str, Any] | None
    inner: Inner | Other | None


def test_each_field_is_a_column_of_its_type() -> None:
    assert columns_of(Row) == {
        "id": "uuid", "name": "text", "color": "text", "open": "boolean", "count": "bigint", "at": "timestamptz",
        "day": "date", "values": "jsonb", "inner": "jsonb",
    }  # fmt: skip


@pytest.mark.parametrize("kind", [float, Decimal, bytes | None, int | str, list[int], Any])
def test_a_field_of_another_type_is_refused_with_its_name(kind: Any) -> None:
    with pytest.raises(TypeError, match="the field price"):
        columns_of(msgspec.defstruct("Priced", [("price", kind)]))
