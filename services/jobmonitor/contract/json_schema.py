"""JSON Schemas (draft 2020-12) of our types, with the docstrings as descriptions.

``contract.documents`` makes the schemas of events from it; job types' parameters are described the same way.
"""

from collections.abc import Iterator
from typing import Any

import docstring_parser
import msgspec

DIALECT = "https://json-schema.org/draft/2020-12/schema"

Schema = dict[str, Any]


def schema_of(struct_type: type[msgspec.Struct]) -> Schema:
    """The schema of one type; the types within it stand under ``$defs``."""
    _, components = msgspec.json.schema_components([struct_type], ref_template="#/$defs/{name}")
    for part in set(_struct_types(msgspec.inspect.type_info(struct_type))):
        _describe(components[part.__name__], part)
    schema: Schema = components.pop(struct_type.__name__)
    if components:
        schema["$defs"] = dict(sorted(components.items()))
    return schema


def text_of(docstring: str | None) -> str:
    """A docstring as one paragraph for people: unwrapped, code between single backticks."""
    return " ".join((docstring or "").split()).replace("``", "`")


def _describe(schema: Schema, struct_type: type[msgspec.Struct]) -> None:
    schema["description"] = text_of(struct_type.__doc__)
    for ancestor in reversed(struct_type.__mro__):
        if not issubclass(ancestor, msgspec.Struct) or ancestor is msgspec.Struct:
            continue
        for field in docstring_parser.parse_from_object(ancestor).params:
            name = _wire_name(struct_type, field.arg_name)
            if name in schema["properties"]:
                schema["properties"][name]["description"] = text_of(field.description)


def _wire_name(struct_type: type[msgspec.Struct], field_name: str) -> str:
    """The field's name in JSON."""
    names = zip(struct_type.__struct_fields__, struct_type.__struct_encode_fields__, strict=True)
    return dict(names).get(field_name, field_name)


def _struct_types(info: Any) -> Iterator[type[msgspec.Struct]]:
    """All struct types in a type's tree. Our types do not contain themselves."""
    if isinstance(info, msgspec.inspect.StructType):
        yield info.cls
        inner: list[Any] = [field.type for field in info.fields]
    else:
        inner = [getattr(info, name, None) for name in ("type", "item_type", "value_type")]
        inner += [*getattr(info, "types", ()), *getattr(info, "item_types", ())]
    for part in inner:
        if part is not None:
            yield from _struct_types(part)
