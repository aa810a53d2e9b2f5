"""Request bodies: JSON, of bounded size, read into a type; every field at fault is named."""

from collections.abc import Iterator
from email.message import Message
from typing import Any, TypeVar

import msgspec
from fastapi import Request

from jobmonitor.contract.limits import shortened
from jobmonitor.gateway.http.problems import FieldError, Problem
from jobmonitor.job_types.parameters import BadParameters, FieldProblem, read_parameters

INT_AT_MOST = 2**63 - 1
"""What a ``bigint`` holds."""

PROBLEMS_AT_MOST = 20
"""In one answer; a body of 256 KiB can hold ten thousand, and an answer should not outgrow what was sent."""

Body = TypeVar("Body", bound=msgspec.Struct)


async def read_body(request: Request, body_type: type[Body]) -> Body:
    """The body as a value. Raises Problem: 415 no JSON type, 400 no JSON, 422 fields that break the type."""
    _require_json_type(request)
    body = _decode(await request.body())
    if not isinstance(body, dict):
        raise invalid([FieldProblem("", "The body has to be a JSON object.")])
    unusable = list(_unusable_values(body, ""))
    if unusable:
        raise invalid(unusable)
    try:
        return read_parameters(body_type, body)
    except BadParameters as error:
        raise invalid(error.problems) from error


def invalid(problems: list[FieldProblem], *, under: str = "", code: str = "invalid", status: int = 422) -> Problem:
    """Names each field, the first twenty. ``under`` is the field that holds them all."""
    errors = [_field_error(problem, under) for problem in problems[:PROBLEMS_AT_MOST]]
    detail = " ".join(f"{error.field or 'The body'}: {error.detail}" for error in errors[:3])
    return Problem(status, detail, code=code, errors=errors)


def _field_error(problem: FieldProblem, under: str) -> FieldError:
    field = ".".join(part for part in (under, problem.field) if part)
    path = field.replace("[", "/").replace("]", "").replace(".", "/")
    pointer = f"#/{shortened(path)}" if path else "#"
    return FieldError(field=shortened(field), pointer=pointer, detail=shortened(problem.detail))


def _require_json_type(request: Request) -> None:
    header = Message()
    header["content-type"] = request.headers.get("content-type", "")
    if header.get_content_type() != "application/json":
        raise Problem(415, "Send JSON, with the header Content-Type: application/json.", code="json_required")


def _decode(content: bytes) -> Any:
    try:
        return msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Problem(400, f"The body is not JSON: {error}.", code="not_json") from error
    except RecursionError as error:
        raise Problem(400, "The body is nested too deeply.", code="not_json") from error


def _unusable_values(value: Any, path: str) -> Iterator[FieldProblem]:
    """Values that are valid JSON but that the database cannot store."""
    if isinstance(value, dict):
        for name, each in value.items():
            yield from _unusable_values(name, path)
            yield from _unusable_values(each, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from _unusable_values(each, f"{path}[{index}]")
    elif isinstance(value, str) and "\0" in value:
        yield FieldProblem(path, "A NUL character cannot be stored.")
    elif isinstance(value, int) and abs(value) > INT_AT_MOST:
        yield FieldProblem(path, "The number is too large.")
