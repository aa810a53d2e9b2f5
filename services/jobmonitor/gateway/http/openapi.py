"""Describes the API for ``/openapi.json`` from the same types that read and write it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, get_args, get_type_hints

import msgspec
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from jobmonitor.gateway.http.problems import MEDIA_TYPE, ProblemDetails
from jobmonitor.job_types.protocol import JobType

JOB_TYPE_OPTIONS = "JobTypeOptions"
"""The schema that any job type's options match."""
_REFERENCE = "#/components/schemas/{name}"
_DESCRIBED: set[type] = {ProblemDetails}
"""All types that operations refer to."""
_MEANINGS = {
    400: "The request cannot be read",
    401: "Nobody is logged in, or the log-in was wrong",
    403: "Not permitted",
    404: "Not found, or not visible to you",
    408: "The request did not arrive in time",
    409: "Not possible in the present state",
    410: "The result has expired",
    413: "The body is too large",
    415: "The Content-Type is not accepted here",
    416: "The file has no such range",
    422: "Invalid values; each field at fault is named",
    429: "A limit was reached; Retry-After says when to try again",
    503: "Kafka, the database or the object store is away, or the gateway is full; nothing was started, try again",
}
Responses = dict[int | str, dict[str, Any]]


def body(body_type: type, example: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The ``openapi_extra`` of an operation that reads this body."""
    content: dict[str, Any] = {"schema": _reference(body_type)}
    if example is not None:
        content["example"] = dict(example)
    return {"requestBody": {"required": True, "content": {"application/json": content}}}


def answers(status: int, answer_type: type | str | None, description: str, *problems: int) -> Responses:
    """The ``responses`` of an operation: how it answers when all is well, and which problems it may answer with."""
    well: dict[str, Any] = {"description": description}
    if answer_type is not None:
        well["content"] = {"application/json": {"schema": _reference(answer_type)}}
    return {status: well, **{problem: _problem(problem) for problem in problems}}


def _problem(status: int) -> dict[str, Any]:
    return {"description": _MEANINGS[status], "content": {MEDIA_TYPE: {"schema": _reference(ProblemDetails)}}}


def _reference(described: type | str) -> dict[str, str]:
    if isinstance(described, str):
        return {"$ref": _REFERENCE.format(name=described)}
    _DESCRIBED.add(described)
    return {"$ref": _REFERENCE.format(name=described.__name__)}


def install(app: FastAPI, job_types: Sequence[JobType[Any]]) -> None:
    """Let the app describe itself, with the schemas of our types and of what the job types offer."""

    def describe() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
            document.setdefault("components", {})["schemas"] = _schemas(job_types)
            _drop_frameworks_refusals(document)
            app.openapi_schema = document
        return app.openapi_schema

    app.openapi = describe  # type: ignore[method-assign]


def _schemas(job_types: Sequence[JobType[Any]]) -> dict[str, Any]:
    in_order = sorted(_DESCRIBED, key=lambda described: described.__name__)
    _, schemas = msgspec.json.schema_components(in_order, ref_template=_REFERENCE)
    options: list[dict[str, Any]] = [{"type": "object", "maxProperties": 0}]
    for job_type in job_types:
        references, added = _schemas_of(job_type, schemas)
        schemas |= added
        options += references
    return {**schemas, JOB_TYPE_OPTIONS: {"title": JOB_TYPE_OPTIONS, "anyOf": options}}


def _schemas_of(job_type: JobType[Any], taken: Mapping[str, Any]) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """References to its options, and the schemas of all that it offers; with its slug where a name is taken."""
    options = declared_structs(type(job_type).options)
    offered = [*options, *declared_structs(type(job_type).columns)]
    references, schemas = msgspec.json.schema_components(offered, ref_template=_REFERENCE)
    if any(taken.get(name, schema) != schema for name, schema in schemas.items()):
        template = f"#/components/schemas/{job_type.slug}.{{name}}"
        references, schemas = msgspec.json.schema_components(offered, ref_template=template)
        schemas = {f"{job_type.slug}.{name}": schema for name, schema in schemas.items()}
    return list(references[: len(options)]), schemas


def declared_structs(method: Callable[..., Any]) -> list[type[msgspec.Struct]]:
    """The structs a method returns, alone or in a list, as far as its annotation names any."""
    try:
        returned = get_type_hints(method).get("return")
    except NameError:
        return []  # a name that is there for type checkers only
    parts = get_args(returned) or (returned,)
    return [
        each for each in parts if isinstance(each, type) and issubclass(each, msgspec.Struct) and each.__struct_fields__
    ]


def _drop_frameworks_refusals(document: dict[str, Any]) -> None:
    """FastAPI assumes that a path's parameter can be invalid; here that is a 404."""
    for operations in document["paths"].values():
        for operation in operations.values():
            if "application/json" in operation["responses"].get("422", {}).get("content", {}):
                del operation["responses"]["422"]
