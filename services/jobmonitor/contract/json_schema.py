"""JSON Schemas (draft 2020-12) of our types, with the docstrings as descriptions.

``contract.documents`` makes the schemas of events from it; job types' parameters are described the same way.
"""

import json
from typing import Any

import docstring_parser
import msgspec

DIALECT = "https://json-schema.org/draft/2020-12/schema"

Schema = dict[str, Any]


def schema_of(struct_type: type[msgspec.Struct]) -> Schema:
    """The schema of one type; the types within it stand under ``$defs``."""
    _, components = msgspec.json.schema_components([struct_type], ref_template="#/$defs/{name}")
    for part in _struct_types(msgspec.inspect.type_info(struct_type)):
        if part.__name__ in components:  # of two with one name the library says whose each is
            _describe(components[part.__name__], part)
    schema: Schema = components.pop(struct_type.__name__)
    if f'"#/$defs/{struct_type.__name__}"' in json.dumps([schema, components]):
        components[struct_type.__name__] = dict(schema)
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
            if name in schema.get("properties", {}):
                schema["properties"][name]["description"] = text_of(field.description)


def _wire_name(struct_type: type[msgspec.Struct], field_name: str) -> str:
    """The field's name in JSON."""
    names = zip(struct_type.__struct_fields__, struct_type.__struct_encode_fields__, strict=True)
    return dict(names).get(field_name, field_name)


def _struct_types(info: Any) -> list[type[msgspec.Struct]]:
    """All struct types in a type's tree, each once. A type may contain itself."""
    found: dict[type[msgspec.Struct], None] = {}
    left = [info]
    while left:
        each = left.pop()
        if not isinstance(each, msgspec.inspect.StructType):
            inner = [getattr(each, name) for name in ("type", "item_type", "value_type") if hasattr(each, name)]
            left += [*inner, *getattr(each, "types", ()), *getattr(each, "item_types", ())]
        elif each.cls not in found:
            found[each.cls] = None
            left += [field.type for field in each.fields]
    return list(found)
