"""The parameters of a job type whose names look like secrets."""

from collections.abc import Iterator
from typing import Any

import msgspec

from jobmonitor.contract.secret_names import looks_secret


def secret_fields(params_type: type[msgspec.Struct]) -> list[str]:
    """The fields with such names, at any depth, each as ``Struct.field`` with the name it has in JSON."""
    _, schemas = msgspec.json.schema_components([params_type])
    names = ((owner, name) for owner, schema in schemas.items() for name in _names(schema))
    return sorted({f"{owner}.{name}" for owner, name in names if looks_secret(name)})


def _names(schema: Any) -> Iterator[str]:
    match schema:
        case dict():
            yield from schema.get("properties", {})
            for inner in schema.values():
                yield from _names(inner)
        case list():
            for inner in schema:
                yield from _names(inner)
