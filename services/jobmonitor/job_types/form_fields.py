"""Whether the fields of a form are parameters of the job type."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from jobmonitor.job_types.form import Form

ENTRY = "[]"
"""In a field's path: an entry of the list before it."""


def unknown_fields(form: Form, params_type: type[msgspec.Struct]) -> list[str]:
    """The paths of fields that no parameter has."""
    schema = msgspec.json.schema(params_type)
    paths = [path for path, _ in form.fields()]
    return [path for path in paths if not _has(schema, _names(path), schema["$defs"])]


def _names(path: str) -> list[str]:
    """``["broadcasts", "[]", "event"]`` of ``broadcasts[].event``."""
    return path.replace(ENTRY, f".{ENTRY}").split(".")


def _has(schema: Any, names: Sequence[str], known: Mapping[str, Any]) -> bool:
    return not names or any(_has(inner, names[1:], known) for inner in _inner(schema, names[0], known))


def _inner(schema: Any, name: str, known: Mapping[str, Any]) -> Iterator[Any]:
    for each in _alternatives(schema, known):
        inner = each.get("items") if name == ENTRY else each.get("properties", {}).get(name)
        if isinstance(inner, dict):
            yield inner


def _alternatives(schema: Any, known: Mapping[str, Any]) -> Iterator[Any]:
    """It, and where it may be one of several, each."""
    while "$ref" in schema:
        schema = known[schema["$ref"].rpartition("/")[2]]
    yield schema
    for each in schema.get("anyOf", ()):
        yield from _alternatives(each, known)
