"""Names of parameters that look like secrets. Parameters stay for ever, in Kafka, in the ledger and in the views."""

import re
from collections.abc import Iterator
from typing import Any

import msgspec

_WORD_BORDER = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|[^A-Za-z]+")
_SECRET = re.compile(
    r"(pass_?(word|phrase|code|wd)|pwd|token|secret|credential|authori[sz]ation|bearer|cookie|jwt|cvv"
    r"|(api|access|private|secret|signing|encryption)_?key)s?(_|$)"
)
_ID = re.compile(r"(^|_)ids?$")


def secret_fields(params_type: type[msgspec.Struct]) -> list[str]:
    """The fields with such names, at any depth, each as ``Struct.field`` with the name it has in JSON."""
    _, schemas = msgspec.json.schema_components([params_type])
    return sorted({f"{owner}.{name}" for owner, schema in schemas.items() for name in _names(schema) if _looks(name)})


def _names(schema: Any) -> Iterator[str]:
    match schema:
        case dict():
            yield from schema.get("properties", {})
            for inner in schema.values():
                yield from _names(inner)
        case list():
            for inner in schema:
                yield from _names(inner)


def _looks(name: str) -> bool:
    """The id of a token is no secret. "secretary" is none, "authtoken" and "PassWord" are some."""
    in_words = _WORD_BORDER.sub("_", name).strip("_").lower()
    return not _ID.search(in_words) and any(map(_SECRET.search, (in_words, name.lower())))
