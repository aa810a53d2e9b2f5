"""Reads a job type's parameters and, where they break its schema, names every field at fault, not only the first."""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple, TypeVar

import msgspec

Params = TypeVar("Params", bound=msgspec.Struct)

_PLACE = re.compile(r"^(?P<what>.*?)(?: - at `\$(?P<place>.*)`)?$", re.DOTALL)


class FieldProblem(NamedTuple):
    """What is wrong with one field."""

    field: str
    """Its path, for instance ``query.profiles[0]``; empty for the parameters as a whole."""
    detail: str


class BadParameters(Exception):
    """The parameters break the schema of their type."""

    def __init__(self, problems: list[FieldProblem]) -> None:
        super().__init__(" ".join(f"{problem.field or 'parameters'}: {problem.detail}" for problem in problems))
        self.problems = problems
        """At least one, in the order of the fields."""


def read_parameters(params_type: type[Params], parameters: Mapping[str, Any]) -> Params:
    """The parameters as the type's own value. Raises BadParameters."""
    if not parameters.keys() - _fields(params_type).keys():
        try:
            return msgspec.convert(parameters, params_type)
        except msgspec.ValidationError as error:
            problems = list(_field_problems(params_type, parameters)) or [_problem("", error)]
            raise BadParameters(problems) from error
    raise BadParameters(list(_field_problems(params_type, parameters)))


@cache
def _fields(params_type: type[msgspec.Struct]) -> dict[str, msgspec.structs.FieldInfo]:
    return {field.encode_name: field for field in msgspec.structs.fields(params_type)}


def _field_problems(params_type: type[Params], parameters: Mapping[str, Any]) -> Iterator[FieldProblem]:
    known = _fields(params_type)
    for name, field in known.items():
        if name in parameters:
            try:
                msgspec.convert(parameters[name], field.type)
            except msgspec.ValidationError as error:
                yield _problem(name, error)
        elif field.required:
            yield FieldProblem(name, "It is missing.")
    for name in parameters:
        if name not in known:
            yield FieldProblem(name, f"It is unknown. Known are: {', '.join(known)}.")


def _problem(name: str, error: msgspec.ValidationError) -> FieldProblem:
    """The library says ``Expected …, got … - at `$.place` ``, counted from the value it was given."""
    found = _PLACE.match(str(error))
    what, place = (found["what"], found["place"] or "") if found else (str(error), "")
    return FieldProblem((name + place).removeprefix("."), f"{what.replace('`', '')}.")
