"""Hypothesis strategies for every event type, made from the types: a new event is covered without touching a test."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import msgspec
from hypothesis import strategies as st
from msgspec import inspect

from jobmonitor.contract.envelope import Event, Source
from jobmonitor.contract.events import EVENT_TYPES, EventData, Text
from jobmonitor.contract.limits import INTEGER_MAX

TEXT = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=40)
INSTANTS = st.datetimes(min_value=datetime(2000, 1, 2), max_value=datetime(2099, 12, 30)).flatmap(  # noqa: DTZ001 - zones follow
    lambda naive: st.integers(-14 * 60, 14 * 60).map(
        lambda minutes: naive.replace(tzinfo=timezone(timedelta(minutes=minutes)) if minutes else UTC)
    )
)
JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-INTEGER_MAX, INTEGER_MAX)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=10,
)


def events() -> st.SearchStrategy[Event]:
    """Any event of any type."""
    return st.builds(
        Event,
        id=values_of(inspect.type_info(Text)),
        source=values_of(inspect.type_info(Source)),
        job_id=st.uuids(),
        time=INSTANTS,
        data=event_data(),
    )


def event_data() -> st.SearchStrategy[EventData]:
    """What any event says."""
    return st.one_of([values_of(inspect.type_info(event_type)) for event_type in EVENT_TYPES.values()])


_PLAIN = {inspect.NoneType: st.none(), inspect.AnyType: JSON_VALUES, inspect.UUIDType: st.uuids()}


def values_of(info: inspect.Type) -> st.SearchStrategy[Any]:
    """Values of a type as msgspec describes it. Raises NotImplementedError: a kind of field no event had so far."""
    match info:
        case inspect.StructType():
            fields = {field.name: _field(field) for field in info.fields}
            return st.fixed_dictionaries(fields).map(lambda values: info.cls(**values))
        case inspect.Metadata():
            return values_of(_with_its_pattern(info))
        case inspect.UnionType():
            return st.one_of([values_of(kind) for kind in info.types])
        case inspect.IntType():
            return st.integers(info.ge, info.le)
        case inspect.StrType(pattern=None):
            return TEXT
        case inspect.StrType():
            return st.from_regex(f"{info.pattern}(?!\n)", alphabet=st.characters(codec="ascii")).filter(
                lambda text: (info.min_length or 0) <= len(text) <= (info.max_length or 100)
            )
        case inspect.DateTimeType():
            return INSTANTS
        case inspect.LiteralType():
            return st.sampled_from(info.values)
        case inspect.NoneType() | inspect.AnyType() | inspect.UUIDType():
            return _PLAIN[type(info)]
        case inspect.DictType():
            return st.dictionaries(values_of(info.key_type), values_of(info.value_type), max_size=4)
        case _:
            raise NotImplementedError(f"No strategy for {info}.")


def _with_its_pattern(info: inspect.Metadata) -> inspect.Type:
    """The type beneath; a text that only its schema bounds is bounded all the same."""
    match info:
        case inspect.Metadata(type=inspect.StrType(), extra_json_schema={"pattern": pattern, "maxLength": length}):
            return inspect.StrType(pattern=pattern, max_length=length)
    return info.type


def _field(field: inspect.Field) -> st.SearchStrategy[Any]:
    values = values_of(field.type)
    return values if field.default is msgspec.NODEFAULT else values | st.just(field.default)
