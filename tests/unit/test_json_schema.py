"""JSON Schemas of types, whatever types they are made of."""

from typing import Annotated

import jsonschema_rs
import msgspec

from jobmonitor.contract.json_schema import schema_of
from support.schema_checks import problems


class Pair(msgspec.Struct, array_like=True):
    """Two numbers."""

    first: int
    second: int


class Tree(msgspec.Struct):
    """A tree."""

    name: str
    """What it is called."""
    branches: list["Tree"] = []
    pair: Pair | None = None


class Wood(msgspec.Struct):
    """Trees."""

    trees: Annotated[list[Tree], msgspec.Meta(description="All of them.")]


def test_a_type_may_contain_itself() -> None:
    schema = schema_of(Tree)
    jsonschema_rs.meta.validate(schema)
    assert schema["properties"]["name"]["description"] == "What it is called."
    assert problems(schema, {"name": "a", "branches": [{"name": "b", "branches": [{"name": "c"}]}]}) == []
    assert problems(schema, {"name": "a", "branches": [{"name": 1}]}) != []


def test_the_types_within_it_are_described_too() -> None:
    schema = schema_of(Wood)
    assert schema["$defs"].keys() == {"Tree", "Pair"}
    assert schema["$defs"]["Tree"]["properties"]["name"]["description"] == "What it is called."
    assert schema["$defs"]["Pair"]["description"] == "Two numbers."
    assert problems(schema, {"trees": [{"name": "a", "pair": [1, 2]}]}) == []
